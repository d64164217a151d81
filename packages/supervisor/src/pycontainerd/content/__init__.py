"""The content-addressed store: blobs under the name of their digest."""
