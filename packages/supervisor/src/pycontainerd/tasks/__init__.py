"""Containers as doings: starting, watching, feeding, stopping and finding them again."""
