"""Single layers: a blob becomes a snapshot."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Final

from attrs import frozen

from pycontainerd.content.claims import Claims
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import Applied, UnpackLimits, apply, diff_id, settle
from pycontainerd.diff.compression import is_compressed
from pycontainerd.diff.confined import TooManyImplied
from pycontainerd.errors import DigestMismatch, SnapshotExists, SupervisorError
from pycontainerd.images.image import Layer
from pycontainerd.snapshots.snapshotter import Snapshotter

WORKING: Final = "unpack-"
"""What the keys of snapshots begin with that a layer is being unpacked into; at opening, nobody works on one."""
_MOST_CHECKED: Final = 1 << 14
_logger = logging.getLogger(__name__)


@frozen
class _Loose:
    """A layer in a snapshot that lies on nothing yet."""

    key: str
    applied: Applied


class Layers:
    """All methods block. ``loosen`` and ``put`` are for who has the claim on the chain id. ``threads`` is where several work at once."""

    def __init__(
        self,
        content: ContentStore,
        snapshots: Snapshotter,
        limits: UnpackLimits | None,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._content, self._snapshots, self._limits, self.threads = content, snapshots, limits, threads
        self.claims = Claims()
        self.rebases = snapshots.rebases
        self._loose: dict[str, _Loose] = {}
        self._checked: set[Layer] = set()
        """Blobs that were seen to be the layers that they are said to be. What is under a digest does not change."""

    @property
    def loose(self) -> int:
        """How many layers are unpacked and lie on nothing yet."""
        return len(self._loose)

    def exists(self, chain: str) -> bool:
        """Whether the layer is a committed snapshot."""
        return self._snapshots.exists(chain)

    def is_checked(self, blob: Layer) -> bool:
        """Whether the blob was seen to be the layer that it is said to be."""
        return blob in self._checked

    def verify(self, blob: Layer) -> None:
        """See that the blob is the layer that it is said to be. LayerError, DigestMismatch."""
        if blob not in self._checked:
            with self._content.open(blob.digest) as layer:
                self._check(blob, diff_id(layer))

    def loosen(self, chain: str, blob: Layer, source: IO[bytes] | None = None, *, verified: bool = True) -> None:
        """Unpack a layer although nobody knows what it will lie on, if that can be.

        ``source`` is the blob, if it is not stored yet; ``verified``: its digest is known to be right.

        LayerError, DigestMismatch, ContentNotFound, OSError.
        """
        if chain in self._loose:
            if source is None:
                self.verify(blob)
            return
        # the digest of a plain tar is what was just verified
        hashing = source is None or not verified or blob.digest != blob.diff_id or is_compressed(source)
        try:
            with (
                source or self._content.open(blob.digest) as layer,
                self._unpacked(None, layer, loose=True, hashing=hashing) as (key, applied),
            ):
                self._check(blob, applied.diff_id if hashing else blob.digest)
        except TooManyImplied:
            return  # `put` does it
        self._loose[chain] = _Loose(key, applied)

    def put(self, chain: str, parent: str | None, blob: Layer) -> None:
        """Make the layer a committed snapshot on top of ``parent``: the loose one, if there is one. Raises what `loosen` does."""
        loose = self._loose.pop(chain, None)
        if loose is None:
            with self._content.open(blob.digest) as layer, self._unpacked(parent, layer) as (key, applied):
                self._check(blob, applied.diff_id)
                self._commit(chain, key)
            return
        with self._removing(loose.key):
            if parent is not None:
                self._snapshots.rebase(loose.key, parent)
                settle(self._snapshots.writable(loose.key), self._snapshots.below(loose.key), loose.applied.implied)
            self._commit(chain, loose.key)

    def drop(self, chain: str) -> None:
        """Remove the loose layer, if nobody has taken it."""
        if (loose := self._loose.pop(chain, None)) is not None:
            try:
                self._snapshots.remove(loose.key)
            except (SupervisorError, OSError):  # why it is dropped is more important; the next supervisor removes it
                _logger.exception("snapshot %s is not removed yet", loose.key)

    def root(self, layer: IO[bytes], digest: Callable[[], str]) -> tuple[str, str]:
        """Unpack a first layer of which nobody has said what it is. The key of its snapshot and its diff id. LayerError.

        ``digest`` tells that of the stream when it has ended, so that the digest of a plain tar is not taken twice.
        """
        hashing = is_compressed(layer)
        with self._unpacked(None, layer, hashing=hashing) as (key, applied):
            return key, applied.diff_id if hashing else digest()

    def commit_root(self, key: str, chain: str) -> None:
        """Make what ``root`` has unpacked a committed snapshot."""
        with self._removing(key):
            self._commit(chain, key)

    def _commit(self, chain: str, key: str) -> None:
        try:
            self._snapshots.commit(chain, key)
        except SnapshotExists:  # the same root file system was imported meanwhile
            self._snapshots.remove(key)

    @contextmanager
    def _unpacked(
        self, parent: str | None, layer: IO[bytes], *, loose: bool = False, hashing: bool = True
    ) -> Iterator[tuple[str, Applied]]:
        """A layer in a snapshot that is removed again if the context fails."""
        key = f"{WORKING}{uuid.uuid4().hex}"
        self._snapshots.prepare(key, parent)
        with self._removing(key):
            applied = apply(
                layer,
                self._snapshots.writable(key),
                None if loose else self._snapshots.below(key),
                limits=self._limits,
                in_place=self._snapshots.in_place,
                hashing=hashing,
            )
            yield key, applied

    @contextmanager
    def _removing(self, key: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._snapshots.remove(key)
            raise

    def _check(self, blob: Layer, actual: str) -> None:
        if actual != blob.diff_id:
            raise DigestMismatch(f"layer {blob.digest}: diff id", blob.diff_id, actual)
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        self._checked.add(blob)
