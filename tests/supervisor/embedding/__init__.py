"""A supervisor in other people's programs."""
