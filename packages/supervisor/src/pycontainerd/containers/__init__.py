"""Containers as facts: what they are to be, what they are, their names, and the table that remembers them."""
