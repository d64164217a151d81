"""Checkpoint and restore, by CRIU (criu(8)), which is a program of its own.

``options``: what callers may ask for. ``images``: what is kept beside criu's own images, because only the runtime knows it: which mounts
and open files come from outside. ``program`` runs criu and tells what it said. ``dump`` and ``restore`` put that together.
"""
