"""References to images as people write them: ``busybox``, ``localhost:5000/a/b:tag``, ``a@sha256:...``.

Source: github.com/distribution/reference.
"""

from __future__ import annotations

import re

from pyctl.errors import InvalidUsage

_DOMAIN = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REFERENCE = re.compile(
    rf"(?:(?:{_DOMAIN}(?:\.{_DOMAIN})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?"
    r"(?P<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)


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


def canonical(reference: str) -> str:
    """The reference with its registry and tag, as docker prints what it has pulled or pushed."""
    name = familiar(reference)
    first, found, _ = name.partition("/")
    if found and _is_host(first):
        return name
    return f"docker.io/{name}" if found else f"docker.io/library/{name}"


def registry_host(repository: str) -> str:
    """The registry's host; ``docker.io`` where none is named."""
    first, found, _ = repository.partition("/")
    return first if found and _is_host(first) else "docker.io"


def _is_host(first: str) -> bool:
    return any(sign in first for sign in ".:") or first == "localhost" or first != first.lower()


def checked(reference: str) -> str:
    """Return the reference if it is one; raises `InvalidUsage` in docker's words."""
    if re.fullmatch(r"[a-f0-9]{64}", reference):
        raise InvalidUsage(f"invalid repository name ({reference}), cannot specify 64-byte hexadecimal strings")
    path = _path(reference)
    if path != path.lower():
        raise InvalidUsage(f"invalid reference format: repository name ({path}) must be lowercase")
    if _REFERENCE.fullmatch(reference) is None:
        raise InvalidUsage("invalid reference format")
    return reference


def _path(reference: str) -> str:
    """The repository without the registry's host; those without any are in ``library`` of the default registry."""
    repository = split(reference)[0] if "@" not in reference else split(reference.partition("@")[0])[0]
    first, found, rest = repository.partition("/")
    if found and _is_host(first):
        return rest
    return repository if found else f"library/{repository}"
