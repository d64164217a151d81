"""References to images as people write them: ``busybox``, ``localhost:5000/a/b:tag``, ``a@sha256:...``."""

from __future__ import annotations


def split(reference: str) -> tuple[str, str]:
    """Repository and tag (or digest); an empty tag when none is given. A port is no tag."""
    repository, found, digest = reference.partition("@")
    if found:
        return repository, digest
    head, found, tag = reference.rpartition(":")
    return (head, tag) if found and "/" not in tag else (reference, "")


def familiar(reference: str) -> str:
    """The reference with its tag, as messages show it."""
    repository, tag = split(reference)
    return reference if tag else f"{repository}:latest"
