"""The multiplexed stream: standard output and error of a container without a terminal, over one connection.

Engine API, *ContainerAttach*, "Stream format": each frame has a header of 8 bytes, ``{STREAM, 0, 0, 0, SIZE (uint32, big
endian)}``, and SIZE bytes of payload. STREAM is 0 stdin (written back on stdout), 1 stdout, 2 stderr; 3 carries an error of
the daemon itself. With a terminal there are no frames, the bytes are raw.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import IO, TYPE_CHECKING

import attrs

from pyctl.errors import MalformedAnswer, PyctlError

if TYPE_CHECKING:
    from pyctl.hijack import Hijacked

STDIN, STDOUT, STDERR, SYSTEM = 0, 1, 2, 3
_HEADER = struct.Struct(">BxxxL")


@attrs.frozen
class Piece:
    """Bytes of one stream: payloads of frames, or the part of one that has arrived."""

    stream: int
    data: bytes


class Demultiplexer:
    """Split the stream as it arrives. Long payloads are passed on in parts, never collected."""

    def __init__(self) -> None:
        self._head = b""
        self._stream = STDOUT
        self._left = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that become known with ``data``; raises `MalformedAnswer` for an unknown stream."""
        position = 0
        while position < len(data):
            if self._left == 0:
                position = self._take_header(data, position)
                continue
            end = min(len(data), position + self._left)
            self._left -= end - position
            yield Piece(self._stream, data[position:end])
            position = end

    def _take_header(self, data: bytes, position: int) -> int:
        end = position + _HEADER.size - len(self._head)
        self._head += data[position:end]
        if len(self._head) == _HEADER.size:
            self._stream, self._left = _HEADER.unpack(self._head)
            self._head = b""
            if self._stream > SYSTEM:
                raise MalformedAnswer(f"multiplexed stream: frame for unknown stream {self._stream}")
        return min(end, len(data))

    def finish(self) -> None:
        """Check that the stream did not end inside a frame; raises `MalformedAnswer`."""
        if self._head or self._left:
            raise MalformedAnswer(f"multiplexed stream: ended {self._left or 'inside a header'} bytes early")


def demultiplex(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Turn chunks of a multiplexed stream into pieces of standard output and error.

    Raises `PyctlError` with the daemon's text for what it sends on the system stream.
    """
    splitter = Demultiplexer()
    for chunk in chunks:
        # Many frames arrive at once, one for each line of a log: what belongs to one stream is passed on as one.
        for stream, pieces in groupby(splitter.feed(chunk), lambda piece: piece.stream):
            data = b"".join(piece.data for piece in pieces)
            if stream == SYSTEM:
                raise PyctlError(f"error from daemon in stream: {data.decode(errors='replace')}")
            yield Piece(stream, data)
    splitter.finish()


def raw(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """A terminal's stream, all of it standard output."""
    return (Piece(STDOUT, chunk) for chunk in chunks)


def copy(pieces: Iterable[Piece], stdout: IO[bytes], stderr: IO[bytes]) -> None:
    """Write each piece where it belongs, at once."""
    for piece in pieces:
        target = stderr if piece.stream == STDERR else stdout
        target.write(piece.data)
        target.flush()


def collected(connection: Hijacked, given: bytes | None, *, tty: bool) -> tuple[bytes, bytes]:
    """Send all input (None: there is none to send), and return all output: that of standard output and of standard error.

    Both at once, by a second thread: who reads its input only while somebody reads its output would wait for ever.
    """
    import threading

    def send() -> None:
        if given is not None:
            with contextlib.suppress(OSError):  # it may end before it has read all
                connection.write(given)
            connection.close_write()

    sender = threading.Thread(target=send, name="stdin", daemon=True)
    sender.start()
    chunks = iter(connection.read, b"")
    parts: dict[bool, list[bytes]] = {False: [], True: []}
    for piece in raw(chunks) if tty else demultiplex(chunks):
        parts[piece.stream == STDERR].append(piece.data)
    connection.shutdown()  # also wakes a sender whom nobody reads from any more
    sender.join()
    return b"".join(parts[False]), b"".join(parts[True])
