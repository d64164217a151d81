"""Layers: turning a tar stream into a directory."""
