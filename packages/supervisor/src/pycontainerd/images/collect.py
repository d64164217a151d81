"""Collection: blobs and snapshots that no image refers to, no container is made from and no lease holds are deleted.

It runs when the supervisor opens (what a crash has left), after each import (a layer that was there already, in another compression) and
each import that failed, and after each removal. Snapshots with names that are no chain ids are somebody else's business.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable

from pycontainerd.content.store import ContentStore
from pycontainerd.errors import Conflict, SnapshotNotFound
from pycontainerd.images.catalogue import Catalogue
from pycontainerd.images.image import Image, chain_ids
from pycontainerd.leases import Leases
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Snapshotter

_CHAIN_ID = re.compile(r"sha256:[0-9a-f]{64}")


def unreachable(snapshots: Iterable[Snapshot], needed: set[str]) -> list[str]:
    """The committed layers that may go now: not needed, and nothing is made from them."""
    known = list(snapshots)
    parents = {snapshot.parent for snapshot in known}
    return [
        snapshot.key
        for snapshot in known
        if snapshot.kind is Kind.COMMITTED
        and _CHAIN_ID.fullmatch(snapshot.key)
        and snapshot.key not in needed
        and snapshot.key not in parents
    ]


class Collector:
    """``collect`` blocks, and may be called from several threads at once."""

    def __init__(self, content: ContentStore, snapshots: Snapshotter, catalogue: Catalogue, leases: Leases) -> None:
        self._content, self._snapshots, self._catalogue, self._leases = content, snapshots, catalogue, leases

    def collect(self) -> None:
        """Delete what is unreachable."""
        self._collect_blobs()
        while self._collect_snapshots():
            pass  # what the last ones were made from has nothing on top of it now

    def _collect_blobs(self) -> None:
        with self._leases.standing() as held:
            needed = {layer.digest for image in self._images() for layer in image.blobs} | held
            for blob in self._content.walk():
                if blob.digest not in needed:
                    self._content.delete(blob.digest)

    def _collect_snapshots(self) -> bool:
        forgotten: list[Callable[[], None]] = []
        with self._leases.standing() as held:
            for name in unreachable(self._snapshots.walk(), self._chains() | held):
                with contextlib.suppress(Conflict, SnapshotNotFound):  # a container or somebody else was faster
                    forgotten.append(self._snapshots.forget(name))
        for delete in forgotten:
            delete()
        return bool(forgotten)

    def _chains(self) -> set[str]:
        return {chain for image in self._images() for chain in chain_ids(image.layers)}

    def _images(self) -> Iterable[Image]:
        return self._catalogue.stored.values()
