"""Images: what containers begin with."""
