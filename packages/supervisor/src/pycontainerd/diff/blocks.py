"""The bytes of a tar on their way from the thread that reads, decompresses and hashes them to the one that writes files.

What is between the two is bounded: ``PIECES`` buffers of ``PIECE`` bytes, which are used again and again. Both numbers are multiples of a
tar's block, so no block ever lies in two buffers, and a header or a small file is a slice of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import IO, Final

from pycontainerd.errors import LayerError

PIECE: Final = 512 << 10
PIECES: Final = 4
BLOCK: Final = 512


class Cut(LayerError):  # noqa: N818 - named for what happened, as all errors here
    """The stream ends where more has to come."""

    def __init__(self) -> None:
        super().__init__("(archive)", "damaged or truncated: it ends in the middle")


class Source:
    """Reads a stream of any kind in pieces that are full but for the last one, and hashes what it reads, unless somebody else has."""

    def __init__(self, stream: IO[bytes], *, hashing: bool = True) -> None:
        self._into: Callable[[memoryview], int | None] | None = getattr(stream, "readinto", None)
        self._read = stream.read
        self._hashed = hashlib.sha256() if hashing else None

    def fill(self, buffer: bytearray) -> int:
        """Fill the buffer; returns how many bytes there were. 0 is the end."""
        view, count = memoryview(buffer), 0
        while count < len(view) and (got := self._next(view[count:])):
            count += got
        if self._hashed is not None:
            self._hashed.update(view[:count])
        return count

    def drain(self, buffer: bytearray) -> None:
        """Read on to the end: what comes after the last entry belongs to the digest."""
        while self.fill(buffer):
            pass

    @property
    def digest(self) -> str:
        """Of what was read; empty if it was not hashed."""
        return f"sha256:{self._hashed.hexdigest()}" if self._hashed is not None else ""

    def _next(self, view: memoryview) -> int:
        if self._into is not None:
            return self._into(view) or 0
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)


class Belt:
    """Between the two threads. The reader calls ``carry``; the other one takes ``pieces`` and says ``stop`` when it wants no more."""

    def __init__(self) -> None:
        self._empty: SimpleQueue[bytearray | None] = SimpleQueue()
        self._full: SimpleQueue[tuple[bytearray, int] | None] = SimpleQueue()
        for _ in range(PIECES):
            self._empty.put(bytearray(PIECE))

    def carry(self, source: Source) -> None:
        """Read until the end or until nobody wants more. Whatever happens here, the other side is told that nothing follows."""
        try:
            while (buffer := self._empty.get()) is not None and (count := source.fill(buffer)):
                self._full.put((buffer, count))
        finally:
            self._full.put(None)

    def pieces(self) -> Generator[memoryview, None, None]:
        """One after the other; each is valid until the next one is asked for."""
        while (found := self._full.get()) is not None:
            buffer, count = found
            yield memoryview(buffer)[:count]
            self._empty.put(buffer)

    def stop(self) -> None:
        """Let the reader go."""
        self._empty.put(None)

    def clear(self) -> None:
        """Give the buffers back, when both are done: what still refers to the belt may wait long for the garbage collector."""
        for queue in (self._empty, self._full):
            while not queue.empty():
                queue.get_nowait()


class Blocks:
    """The stream as the parser wants it: blocks, and contents padded to whole blocks. ``Cut`` where it ends too early."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._at = 0

    def forget(self) -> None:
        """Let go of the piece at hand; nothing more will be asked for."""
        self._piece, self._at = memoryview(b""), 0

    def block(self) -> bytes:
        """The next one."""
        at = self._at
        if at == len(self._piece):
            self._advance()
            at = 0
        self._at = at + BLOCK
        block = bytes(self._piece[at : at + BLOCK])
        if len(block) != BLOCK:
            raise Cut
        return block

    def whole(self, size: int) -> memoryview | None:
        """A content of ``size`` bytes, if all of it is at hand (None: ask ``parts``). Valid until the next call of anything."""
        at = self._at
        end = at + size
        if end > len(self._piece):
            return None
        self._at = min(end + -size % BLOCK, len(self._piece))
        return self._piece[at:end]

    def parts(self, size: int) -> Iterator[memoryview]:
        """The same in parts."""
        left = size
        while left:
            if self._at >= len(self._piece):
                self._advance()
            part = self._piece[self._at : self._at + left]
            left -= len(part)
            self._at += len(part)
            yield part
        self._at = min(self._at + -size % BLOCK, len(self._piece))

    def take(self, size: int) -> bytes:
        """The same as a whole, whatever it costs: for what was found to be small."""
        whole = self.whole(size)
        return bytes(whole) if whole is not None else b"".join(map(bytes, self.parts(size)))

    def skip(self, size: int) -> None:
        """Pass over a content."""
        if self.whole(size) is None:
            for _ in self.parts(size):
                pass

    def _advance(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Cut
        self._piece, self._at = piece, 0
