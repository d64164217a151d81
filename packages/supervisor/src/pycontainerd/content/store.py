"""Blobs on disk: written to a temporary file, verified, synced, and only then visible under their digest.

All methods block; call them from a thread. The directory holds ``blobs/sha256/HEX`` and ``ingest/``; what is in the latter at opening is
left from a crash and removed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from attrs import frozen

from pycontainerd.content.digest import hexadecimal
from pycontainerd.errors import ContentNotFound, DigestMismatch
from pycontainerd.leases import Lease

PIECE = 1 << 18


@frozen
class Blob:
    """A stored blob: its digest (``sha256:…``) and its size in bytes."""

    digest: str
    size: int


class ContentStore:
    """The blobs below ``root``. A blob that no image refers to lives as long as the lease that it was ingested under."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs" / "sha256"
        self.ingest_directory = root / "ingest"
        shutil.rmtree(self.ingest_directory, ignore_errors=True)
        for directory in (self._blobs, self.ingest_directory):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, digest: str) -> Path:
        """Where a blob is or would be. InvalidDigest."""
        return self._blobs / hexadecimal(digest)

    def ingest(
        self,
        source: IO[bytes],
        lease: Lease,
        *,
        digest: str | None = None,
        size: int | None = None,
        what: str = "content",
    ) -> Blob:
        """Store what ``source`` gives, held by ``lease``. DigestMismatch when it is not what was promised; then nothing is kept."""
        with self._temporary() as file:
            blob = _copy(source, file)
            if digest is not None and blob.digest != digest:
                raise DigestMismatch(what, digest, blob.digest)
            if size is not None and blob.size != size:
                raise DigestMismatch(f"{what}: size", size, blob.size)
            file.flush()
            os.fsync(file.fileno())
            lease.hold(blob.digest)
            os.rename(file.name, self.path(blob.digest))  # over an equal blob, if two ingested it at once
        self._sync_names()
        return blob

    @contextmanager
    def _temporary(self) -> Iterator[IO[bytes]]:
        with tempfile.NamedTemporaryFile(dir=self.ingest_directory, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)  # gone already if it became a blob

    def _sync_names(self) -> None:
        """Without it, a power cut could leave an image in the metadata whose blob has no name."""
        directory = os.open(self._blobs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def spool(self) -> IO[bytes]:
        """A nameless temporary file in the store's file system."""
        return tempfile.TemporaryFile(dir=self.ingest_directory)

    def open(self, digest: str) -> BinaryIO:
        """The blob for reading. ContentNotFound."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise ContentNotFound(digest) from None

    def has(self, digest: str) -> bool:
        """Whether the blob is stored."""
        return self.path(digest).exists()

    def walk(self) -> Iterator[Blob]:
        """All blobs."""
        with os.scandir(self._blobs) as entries:
            for entry in entries:
                yield Blob(f"sha256:{entry.name}", entry.stat().st_size)

    def delete(self, digest: str) -> None:
        """Remove a blob; one that is not there is no failure."""
        self.path(digest).unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes]) -> Blob:
    hashed, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        hashed.update(piece)
        target.write(piece)
        size += len(piece)
    return Blob(f"sha256:{hashed.hexdigest()}", size)
