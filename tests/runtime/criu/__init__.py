"""Checkpoint and restore: what criu is told anywhere, and criu itself on a kernel that it knows."""
