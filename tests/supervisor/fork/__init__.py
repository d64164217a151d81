"""Forking the file systems of containers."""
