"""A queue between the pump's thread and one reader on the event loop that is bounded in memory and never full.

A reader that is slower than the process must neither stall the process nor lose output, so what it has not taken beyond ``limit`` bytes
goes to an unnamed file, and comes back from there in order. Where the process is to wait for its reader (an exec's output is nobody else's), whoever
puts asks whether the queue is ``full``, and is told when it is no longer: then there is no file.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from struct import Struct
from threading import Lock
from typing import BinaryIO

_FRAME = Struct("<?I")
_READ_BACK = 256 << 10


class SpillQueue:
    """``put`` and ``end`` may be called from any thread; iteration and ``close`` belong to the loop it was made on."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        limit: int = 1 << 20,
        relieved: Callable[[], None] | None = None,
    ) -> None:
        """``relieved`` is called when the queue was full and is not any more: with it, nothing goes to a file."""
        self._relieved = relieved
        self._loop = asyncio.get_running_loop()
        self._directory = directory
        self._limit = limit
        self._lock = Lock()
        self._memory: deque[tuple[bool, bytes]] = deque()
        self._in_memory = 0
        self._file: BinaryIO | None = None
        self._written = self._read = 0
        self._ended = False
        self._sleeping = False
        self._awake = asyncio.Event()

    def put(self, tag: bool, data: bytes) -> None:
        """Append; ignored after ``end`` or ``close``. OSError when there is no room on the disk for what the reader has not taken."""
        with self._lock:
            if self._ended:
                return
            if self._relieved or (self._file is None and self._in_memory + len(data) <= self._limit):
                self._memory.append((tag, data))
                self._in_memory += len(data)
            else:
                self._spill(tag, data)
            self._wake()

    @property
    def full(self) -> bool:
        """Whether who puts should wait until it is relieved."""
        return self._in_memory >= self._limit

    @property
    def ended(self) -> bool:
        """Whether nothing will be added any more."""
        return self._ended

    def end(self) -> None:
        """No more will come; the reader still gets what is there."""
        with self._lock:
            self._ended = True
            self._wake()

    def close(self) -> None:
        """Forget everything and end."""
        with self._lock:
            self._ended = True
            self._memory.clear()
            self._drop_file()
            self._wake()

    async def __aiter__(self) -> AsyncIterator[tuple[bool, bytes]]:
        while True:
            batch, ended = self._take()
            if batch is None:
                for item in await asyncio.to_thread(self._read_back):
                    yield item
                continue
            for item in batch:
                yield item
            if not batch:
                if ended:
                    return
                await self._awake.wait()

    def _take(self) -> tuple[list[tuple[bool, bytes]] | None, bool]:
        """What is in memory (None: look into the file), and whether that is the end; arms the wake-up when there is nothing."""
        with self._lock:
            batch, was_full = list(self._memory), self.full
            self._memory.clear()
            self._in_memory = 0
            if not batch and self._file is not None:
                return None, False
            if not batch and not self._ended:
                self._awake.clear()
                self._sleeping = True
            ended = self._ended
        if was_full and self._relieved is not None:
            self._relieved()
        return batch, ended

    def _wake(self) -> None:
        if self._sleeping:
            self._sleeping = False
            self._loop.call_soon_threadsafe(self._awake.set)

    def _spill(self, tag: bool, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115 - lives until it was read
            self._written = self._read = 0
        rest = memoryview(_FRAME.pack(tag, len(data)) + data)
        end = self._written
        while rest:  # a disk that is nearly full takes a part
            count = os.pwrite(self._file.fileno(), rest, end)
            rest, end = rest[count:], end + count
        self._written = end

    def _read_back(self) -> list[tuple[bool, bytes]]:
        """Some frames from the file; the file goes once it was read to its end."""
        items: list[tuple[bool, bytes]] = []
        size = 0
        with self._lock:
            while self._file is not None and size < _READ_BACK:
                tag, length = _FRAME.unpack(os.pread(self._file.fileno(), _FRAME.size, self._read))
                items.append((tag, os.pread(self._file.fileno(), length, self._read + _FRAME.size)))
                self._read += _FRAME.size + length
                size += length
                if self._read == self._written:
                    self._drop_file()
        return items

    def _drop_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
