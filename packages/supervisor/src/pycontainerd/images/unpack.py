"""From an image's blobs to the committed snapshot that its containers begin with."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import Applied, UnpackLimits, apply, diff_id
from pycontainerd.errors import DigestMismatch, SnapshotExists
from pycontainerd.images.image import Image, Layer, chain_ids
from pycontainerd.leases import Lease
from pycontainerd.snapshots.snapshotter import Snapshotter

WORKING = "unpack-"
"""What the keys of snapshots begin with that a layer is being unpacked into; at opening, nobody works on one."""


class Unpacker:
    """All methods block. Callers at the same time share the work: one unpacks, the others find the layers there."""

    def __init__(self, content: ContentStore, snapshots: Snapshotter, limits: UnpackLimits | None = None) -> None:
        self._content, self._snapshots, self._limits = content, snapshots, limits
        self._one = threading.Lock()

    def unpack(self, image: Image, lease: Lease) -> str | None:
        """The snapshot of the last layer, None for an image without layers. ``lease`` holds it, and all below it.

        Raises LayerError, DigestMismatch (a diff id), ContentNotFound; the layers below stay until they are collected.
        """
        chains = chain_ids(image.layers)
        lease.hold(*chains, *(blob.digest for blob in image.blobs))
        if not all(map(self._snapshots.exists, chains)):
            with self._one:
                self._unpack_missing(image, chains)
        return chains[-1] if chains else None

    def is_unpacked(self, chain: str) -> bool:
        """Whether there is nothing to unpack for this chain id."""
        return self._snapshots.exists(chain)

    def verify(self, blob: Layer) -> None:
        """See that the blob is the layer that it is said to be, where there is nothing to unpack. LayerError, DigestMismatch."""
        with self._content.open(blob.digest) as layer:
            _check(blob, diff_id(layer))

    def _unpack_missing(self, image: Image, chains: tuple[str, ...]) -> None:
        for parent, chain, blob in zip((None, *chains), chains, image.blobs, strict=False):
            if not self._snapshots.exists(chain):
                with self._content.open(blob.digest) as layer, self._unpacked(parent, layer) as (key, applied):
                    _check(blob, applied.diff_id)
                    self._snapshots.commit(chain, key)

    def unpack_root(self, layer: IO[bytes], lease: Lease) -> str:
        """Unpack a first layer whose diff id nobody has promised, and return what it is. LayerError."""
        with self._unpacked(None, layer) as (key, applied):
            lease.hold(applied.diff_id)
            try:
                self._snapshots.commit(applied.diff_id, key)
            except SnapshotExists:  # the same root file system was imported before
                self._snapshots.remove(key)
        return applied.diff_id

    @contextmanager
    def _unpacked(self, parent: str | None, layer: IO[bytes]) -> Iterator[tuple[str, Applied]]:
        """A layer in a snapshot that is removed again if the context fails."""
        key = f"{WORKING}{uuid.uuid4().hex}"
        self._snapshots.prepare(key, parent)
        try:
            applied = apply(
                layer,
                self._snapshots.writable(key),
                self._snapshots.below(key),
                limits=self._limits,
                in_place=self._snapshots.in_place,
            )
            yield key, applied
        except BaseException:
            self._snapshots.remove(key)
            raise


def _check(blob: Layer, actual: str) -> None:
    if actual != blob.diff_id:
        raise DigestMismatch(f"layer {blob.digest}: diff id", blob.diff_id, actual)
