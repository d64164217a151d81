"""Blobs on disk: written to a temporary file, verified, synced, and only then visible under their digest.

All methods block; call them from a thread. The directory holds ``blobs/sha256/HEX``; ``partial/``, ingests that somebody may go on with; and
``ingest/``, all other work: what is in there at opening is left from a crash and removed.
"""

from __future__ import annotations

import copy
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO

from pycontainerd.content.blob import PIECE, Blob, Usage
from pycontainerd.content.claims import Claim, Claims
from pycontainerd.content.digest import hexadecimal
from pycontainerd.content.ingest import Ingest
from pycontainerd.content.labels import Labels
from pycontainerd.content.partials import Partials
from pycontainerd.content.visibility import Visibility
from pycontainerd.errors import ContentNotFound, DigestMismatch, Unsupported
from pycontainerd.leases import Lease
from pycontainerd.metadata.database import Database

__all__ = ["PIECE", "Blob", "ContentStore"]


class ContentStore:
    """The blobs below ``root``. A blob that no image refers to lives as long as the lease that it was ingested under.

    ``partials`` are the ingests that can be gone on with, and ``claims`` tell who is bringing in which digest: whoever wants the same waits
    for that one. Labels are kept in ``database``.
    """

    def __init__(self, root: Path, database: Database | None = None) -> None:
        self._blobs = root / "blobs" / "sha256"
        self.ingest_directory = root / "ingest"
        shutil.rmtree(self.ingest_directory, ignore_errors=True)
        for directory in (self._blobs, self.ingest_directory):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.partials = Partials(root / "partial", self._blobs)
        self.claims = Claims()
        self._labels = Labels(database) if database is not None else None
        self._seen: Visibility | None = None

    def of_namespace(self, seen: Visibility) -> ContentStore:
        """The same store, as a namespace sees it: what that has not brought in is not there. See `pycontainerd.content.visibility`."""
        made = copy.copy(self)
        made._seen = seen
        made._labels = self._labels.of_namespace(seen.namespace) if self._labels is not None else None
        return made

    def _is_hidden(self, digest: str) -> bool:
        return self._seen is not None and not self._seen.has(digest)

    # -- bringing in ---------------------------------------------------------------------------------------------------------

    def ingest(
        self,
        source: IO[bytes],
        lease: Lease,
        *,
        digest: str | None = None,
        size: int | None = None,
        what: str = "content",
        verified: Callable[[Ingest], None] | None = None,
    ) -> Blob:
        """Store what ``source`` gives, held by ``lease``. DigestMismatch when it is not what was promised; then nothing is kept.

        ``source`` is not read when the promised blob is there already, or somebody else has just brought it in. ``verified`` is called when it was
        read and is right, but not safe on the disk yet.
        """
        if digest is None:
            return self._ingest(source, lease, size=size, what=what, verified=verified)
        while True:
            if (found := self.find(digest, lease, size=size, what=what)) is not None:
                return found
            claim = self.claims.claim(digest)
            if isinstance(claim, Claim):
                with claim:
                    # who had the claim before may have come to its end since the look above
                    found = self.find(digest, lease, size=size, what=what)
                    return found or self._ingest(source, lease, digest=digest, size=size, what=what, verified=verified)
            claim.result()

    def find(self, digest: str, lease: Lease, *, size: int | None = None, what: str = "content") -> Blob | None:
        """The blob if it is there, held by ``lease``. DigestMismatch when it has not the promised size."""
        lease.hold(digest)
        if self._is_hidden(digest):
            return None
        try:
            actual = self.path(digest).stat().st_size
        except FileNotFoundError:
            return None
        if size not in (None, actual):
            raise DigestMismatch(f"{what}: size", size, actual)
        return Blob(digest, actual)

    def resume(
        self, reference: str, *, digest: str | None = None, size: int | None = None, what: str = "content"
    ) -> Ingest:
        """The ingest under ``reference``: a new one, or a partial one where it had come to. IngestInUse.

        A reference is any text. One whose promised ``digest`` or ``size`` has changed begins anew.
        """
        if digest is not None:
            hexadecimal(digest)
        return self.partials.open(self._own(reference), digest=digest, size=size, what=what)

    def abort(self, reference: str) -> None:
        """Remove the partial ingest under ``reference``; one that is not there is no failure. IngestInUse."""
        self.partials.abort(self._own(reference))

    def _own(self, reference: str) -> str:
        """The beginning of a blob is not for everybody either."""
        return reference if self._seen is None else f"{self._seen.namespace}/{reference}"

    def begin(self, *, what: str = "content") -> Ingest:
        """An ingest that nobody can go on with: whoever begins it commits or aborts it."""
        descriptor, name = tempfile.mkstemp(dir=self.ingest_directory)
        os.close(descriptor)
        return Ingest(Path(name), self._blobs, what=what)

    def _ingest(
        self,
        source: IO[bytes],
        lease: Lease,
        *,
        digest: str | None = None,
        size: int | None = None,
        what: str,
        verified: Callable[[Ingest], None] | None,
    ) -> Blob:
        descriptor, name = tempfile.mkstemp(dir=self.ingest_directory)
        os.close(descriptor)
        ingest = Ingest(Path(name), self._blobs, digest=digest, size=size, what=what)
        try:
            while piece := source.read(PIECE):
                ingest.write(piece)
            if verified is not None:
                ingest.check()
                verified(ingest)
            return ingest.commit(lease)
        finally:
            ingest.abort()  # gone already if it became a blob

    def spool(self) -> IO[bytes]:
        """A nameless temporary file in the store's file system."""
        return tempfile.TemporaryFile(dir=self.ingest_directory)

    # -- what is there -------------------------------------------------------------------------------------------------------

    def path(self, digest: str) -> Path:
        """Where a blob is or would be. InvalidDigest."""
        return self._blobs / hexadecimal(digest)

    def open(self, digest: str) -> BinaryIO:
        """The blob for reading. ContentNotFound."""
        if self._is_hidden(digest):
            raise ContentNotFound(digest)
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise ContentNotFound(digest) from None

    def has(self, digest: str) -> bool:
        """Whether the blob is stored."""
        return self.path(digest).exists() and not self._is_hidden(digest)

    def walk(self, labels: Mapping[str, str] | None = None) -> Iterator[Blob]:
        """All blobs, or those that have all of these labels."""
        seen = self._seen.all() if self._seen is not None else None
        with os.scandir(self._blobs) as entries:
            for entry in entries:
                if seen is not None and f"sha256:{entry.name}" not in seen:
                    continue
                try:
                    blob = Blob(f"sha256:{entry.name}", entry.stat().st_size)
                except FileNotFoundError:  # deleted since
                    continue
                if not labels or labels.items() <= self.labels(blob.digest).items():
                    yield blob

    def usage(self) -> Usage:
        """What all of it takes. Bytes of files, not of the blocks that they occupy."""
        sizes = [blob.size for blob in self.walk()]
        return Usage(blobs=len(sizes), size=sum(sizes), partial=sum(partial.offset for partial in self.partials.walk()))

    def delete(self, digest: str) -> None:
        """Remove a blob and its labels; one that is not there is no failure.

        In a namespace: for this one. It goes for good with the next collection, if no other has it.
        """
        if self._seen is not None:
            self._seen.forget(digest)
            return
        self.path(digest).unlink(missing_ok=True)
        if self._labels is not None:
            self._labels.forget(digest)

    # -- labels --------------------------------------------------------------------------------------------------------------

    def labels(self, digest: str) -> Mapping[str, str]:
        """The labels of a blob; none for one that is not there."""
        hexadecimal(digest)
        return {} if self._is_hidden(digest) else self._labelling().get(digest)

    def label(self, digest: str, changes: Mapping[str, str | None]) -> Mapping[str, str]:
        """Set labels, take away those that are None; all that the blob has then. ContentNotFound."""
        if not self.has(digest):
            raise ContentNotFound(digest)
        return self._labelling().update(digest, changes)

    def _labelling(self) -> Labels:
        if self._labels is None:
            raise Unsupported("content: this store was opened without a database, and has no labels")
        return self._labels
