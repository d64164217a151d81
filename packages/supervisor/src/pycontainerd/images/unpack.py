"""From an image's blobs to the committed snapshot that its containers begin with."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final

from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import UnpackLimits
from pycontainerd.images.image import Image, Layer, chain_ids
from pycontainerd.images.layers import WORKING, Layers
from pycontainerd.images.progress import Step
from pycontainerd.images.stack import Stack, Told
from pycontainerd.leases import Lease
from pycontainerd.snapshots.snapshotter import Snapshotter

__all__ = ["WORKING", "Unpacker", "unpacking_threads"]

_MOST_AT_ONCE: Final = 3
"""Layers that are unpacked at one time: each has two threads and some MiB of memory, and one disk is behind all of them."""


def unpacking_threads() -> ThreadPoolExecutor:
    """What an Unpacker works with: as many layers at one time as there are processors, and no more than three."""
    return ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE), thread_name_prefix="pycontainerd-layers")


class Unpacker:
    """All methods block. Callers at the same time share the work: one unpacks a layer, the others find it there. ``threads`` are the caller's to end."""

    def __init__(
        self,
        content: ContentStore,
        snapshots: Snapshotter,
        limits: UnpackLimits | None = None,
        *,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._layers = Layers(content, snapshots, limits, threads)

    def unpack(self, image: Image, lease: Lease, verify: Callable[[Layer], None] | None = None) -> str | None:
        """The snapshot of the last layer, None for an image without layers. ``lease`` holds it, and all below it.

        ``verify`` is called for layers that are unpacked already. Raises LayerError, DigestMismatch (a diff id), ContentNotFound; the layers
        below stay until they are collected.
        """
        chains = chain_ids(image.layers)
        lease.hold(*chains, *(blob.digest for blob in image.blobs))
        if verify is not None or not all(map(self._layers.exists, chains)):
            stack = self.stack(image.layers, lease, verify or _believe)
            for number, blob in enumerate(image.blobs):
                stack.arrived(number, blob)
            stack.run()
        return chains[-1] if chains else None

    def stack(
        self, diff_ids: tuple[str, ...], lease: Lease, verify: Callable[[Layer], None], told: Told | None = None
    ) -> Stack:
        """For layers that arrive one by one, and are unpacked meanwhile. ``lease`` has to hold their blobs, and holds their snapshots."""
        lease.hold(*chain_ids(diff_ids))
        return Stack(self._layers, diff_ids, verify, told or _silent)

    def verify(self, blob: Layer) -> None:
        """See that the blob is the layer that it is said to be, where there is nothing to unpack. LayerError, DigestMismatch."""
        self._layers.verify(blob)

    def unpack_root(self, layer: IO[bytes], digest: Callable[[], str], lease: Lease) -> str:
        """Unpack a first layer whose diff id nobody has promised, and return what it is. ``digest``: of the stream, at its end. LayerError."""
        key, found = self._layers.root(layer, digest)
        lease.hold(found)
        self._layers.commit_root(key, found)
        return found


def _believe(blob: Layer) -> None:
    """The image was brought in as a whole, and verified then."""


def _silent(number: int, step: Step) -> None:
    """Nobody looks on."""
