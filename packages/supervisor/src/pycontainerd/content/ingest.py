"""One blob on its way into the store: verified while it is written, synced, and only then visible under its digest.

The life of an ingest: it is *opened* (anew, or where a partial one under the same reference had come to), *written* to from its
``offset`` on, and then either *committed* (the blob is there, the ingest is gone), *kept* (closed: the next one goes on here, also after a
restart) or *aborted* (nothing is left). What is not what was promised is aborted by itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from ctypes import c_longlong
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pycontainerd.content.blob import PIECE, Blob
from pycontainerd.content.claims import Claim
from pycontainerd.errors import DigestMismatch
from pycontainerd.leases import Lease

_libc = ctypes.CDLL(None)
_SYNC_FILE_RANGE_WRITE = 2
_WRITTEN_OUT = 8 << 20
"""Bytes after which the disk is told to begin."""


class Ingest:
    """Made by ``ContentStore``. All methods block, and are called by one thread at a time. As a context it is kept, unless it was committed."""

    def __init__(
        self,
        path: Path,
        blobs: Path,
        *,
        digest: str | None = None,
        size: int | None = None,
        what: str = "content",
        claim: Claim | None = None,
        about: Path | None = None,
    ) -> None:
        self.digest, self.size, self.what = digest, size, what
        self.offset = 0
        """How many bytes there are, all of them hashed."""
        self._path, self._blobs, self._claim, self._about = path, blobs, claim, about
        self._hashed = hashlib.sha256()
        self._begun = 0
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115 - closed by close
        self._take_up()

    def _take_up(self) -> None:
        """Hash what an earlier ingest has left; what is more than was promised is none of it."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            self._hashed.update(piece)
            self.offset += len(piece)
        if self.size is not None and self.offset > self.size:
            self.restart()

    def write(self, piece: bytes) -> None:
        """Append. DigestMismatch, and nothing is kept, as soon as there is more than was promised."""
        if self.size is not None and self.offset + len(piece) > self.size:
            self.abort()
            raise DigestMismatch(f"{self.what}: size", self.size, f"more: at least {self.offset + len(piece)}")
        self._hashed.update(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.offset += len(piece)
        if self.offset - self._begun >= _WRITTEN_OUT:
            self._write_out()

    def _write_out(self) -> None:
        """Let the disk begin, so that `commit` has less to wait for. sync_file_range(2) waits for nothing, and is allowed to fail."""
        length = self.offset - self._begun
        _libc.sync_file_range(self._file.fileno(), c_longlong(self._begun), c_longlong(length), _SYNC_FILE_RANGE_WRITE)
        self._begun = self.offset

    @property
    def so_far(self) -> str:
        """The digest of what there is."""
        return f"sha256:{self._hashed.hexdigest()}"

    def reader(self) -> IO[bytes]:
        """What was written so far, and what will be: the caller's to close."""
        return open(self._path, "rb", buffering=0)

    def restart(self) -> None:
        """Forget everything that was written."""
        self._file.truncate(0)
        self._file.seek(0)
        self._hashed, self.offset, self._begun = hashlib.sha256(), 0, 0

    def check(self) -> Blob:
        """What it will be. DigestMismatch, and nothing is kept, when it is not what was promised."""
        blob = Blob(self.so_far, self.offset)
        if self.size is not None and blob.size != self.size:
            self.abort()
            raise DigestMismatch(f"{self.what}: size", self.size, blob.size)
        if self.digest is not None and blob.digest != self.digest:
            self.abort()
            raise DigestMismatch(self.what, self.digest, blob.digest)
        return blob

    def commit(self, lease: Lease) -> Blob:
        """Make it a blob, held by ``lease``. DigestMismatch, and nothing is kept, when it is not what was promised."""
        blob = self.check()
        os.fsync(self._file.fileno())
        lease.hold(blob.digest)
        lease.prove(blob.digest)  # before it is there: without the row, nobody could read it
        os.rename(self._path, self._blobs / blob.digest.removeprefix("sha256:"))  # over an equal blob, if there is one
        sync_names(self._blobs)
        self._forget()
        self.close()
        return blob

    def abort(self) -> None:
        """Remove it; safe to repeat."""
        if not self._file.closed:
            self._path.unlink(missing_ok=True)
            self._forget()
        self.close()

    def close(self) -> None:
        """Keep it for who goes on; safe to repeat."""
        if not self._file.closed:
            self._file.close()
            if self._claim is not None:
                self._claim.__exit__(None, None, None)

    def _forget(self) -> None:
        if self._about is not None:
            self._about.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sync_names(directory: Path) -> None:
    """Without it, a power cut could leave an image in the metadata whose blob has no name."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
