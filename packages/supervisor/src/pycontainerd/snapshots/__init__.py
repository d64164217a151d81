"""Snapshots: file systems that are made from others, written to, and kept."""
