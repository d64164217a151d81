"""What can be leased, and what the collection decides about: blobs and committed snapshots."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from attrs import frozen


class ResourceKind(StrEnum):
    """The store that a resource is in."""

    CONTENT = "content"
    SNAPSHOT = "snapshot"


@frozen(order=True, cache_hash=True)
class LeaseResource:
    """A blob by its digest, or a snapshot by its name (for a layer: its chain id). Whatever it is made from is kept with it."""

    kind: ResourceKind
    name: str

    @classmethod
    def content(cls, digest: str) -> Self:
        """The blob ``digest``."""
        return cls(ResourceKind.CONTENT, digest)

    @classmethod
    def snapshot(cls, name: str) -> Self:
        """The snapshot ``name``."""
        return cls(ResourceKind.SNAPSHOT, name)
