"""Which repositories have a blob: remembered as a label, so that a registry can be told to take it from there.

The label is containerd's: ``containerd.io/distribution.source.HOST`` with repositories between commas.
"""

from __future__ import annotations

from pycontainerd.content.store import ContentStore

_PREFIX = "containerd.io/distribution.source."
_MOST = 10
"""Repositories that are remembered for a blob of one registry: the last ones."""


def came_from(content: ContentStore, digest: str, host: str, repository: str) -> None:
    """The repository has this blob. ContentNotFound."""
    known = sources_of(content, digest, host)
    if known[-1:] != [repository]:
        others = [each for each in known if each != repository]
        content.label(digest, {_PREFIX + host: ",".join([*others, repository][-_MOST:])})


def sources_of(content: ContentStore, digest: str, host: str) -> list[str]:
    """The repositories of a registry that have it; the last one was seen last."""
    return [name for name in content.labels(digest).get(_PREFIX + host, "").split(",") if name]
