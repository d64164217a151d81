"""An ingest that is read while it is written: by who unpacks a layer that is still arriving."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import IO, Self, cast

from pycontainerd.content.ingest import Ingest


class Interrupted(OSError):  # noqa: N818 - named for what happened; whoever writes knows why, and tells it
    """What was being read will not come to its end: who wrote it has failed."""


class Growing:
    """One thread writes and says how it ended; another one reads, and waits for more where it has caught up.

    To the reader it is a file that can be read, and sought in what it has read already.
    """

    def __init__(self, ingest: Ingest) -> None:
        self.ingest = ingest
        self._file = ingest.reader()
        self._changed = threading.Condition()
        self._there = 0
        self._ended: bool | None = None
        """None: there is more to come; False: there would have been."""

    # -- the writer's side -------------------------------------------------------------------------------------------------------

    def write(self, piece: bytes) -> None:
        """Append to the ingest."""
        self.ingest.write(piece)
        with self._changed:
            self._there = self.ingest.offset
            self._changed.notify_all()

    def end(self, *, whole: bool) -> None:
        """Nothing more comes; not ``whole``: because of an error. Only the first word counts."""
        with self._changed:
            self._ended = whole if self._ended is None else self._ended
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether nothing more is wanted, or nothing more comes."""
        return self._ended is not None

    def wait(self) -> None:
        """Wait for the end. Interrupted."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended is not None)
        self._check()

    def digest(self) -> str:
        """Of all of it. Interrupted."""
        self.wait()
        return self.ingest.so_far

    # -- the reader's side -------------------------------------------------------------------------------------------------------

    def readinto(self, buffer: memoryview) -> int:
        """As much as there is, at least a byte; 0 at the end. Interrupted."""
        position = self._file.tell()
        with self._changed:
            self._changed.wait_for(lambda: self._there > position or self._ended is not None)
        self._check()
        return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes, fewer at the end; all of them when it is negative."""
        if size < 0:
            self.wait()
            return self._file.read()
        gathered = bytearray(size)
        count = 0
        while count < size and (got := self.readinto(memoryview(gathered)[count:])):
            count += got
        return bytes(gathered[:count])

    def tell(self) -> int:
        """Where the reader is."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Back to where the reader was."""
        return self._file.seek(offset, whence)

    def as_file(self) -> IO[bytes]:
        """For who only reads."""
        return cast("IO[bytes]", self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(whole=False)
        self._file.close()
        self.ingest.abort()  # nothing to do if it became a blob

    def _check(self) -> None:
        if self._ended is False:
            raise Interrupted("what was to be unpacked has not arrived whole")
