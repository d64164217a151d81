"""The format of the log driver ``local``: compact, and fast because what the process wrote is kept as it was.

A file is a sequence of entries, one for each batch that was read from the process::

    size      u32    of ``data``, in bytes, little-endian as all numbers here
    kind      u8     0x10 for standard output, 0x11 for standard error; the high half is the version of the format
    time      u64    CLOCK_REALTIME when it was read, in nanoseconds since the epoch
    data             whole lines, or the pieces of 16 KiB of longer ones, one after the other
    size      u32    once more, so that a file can be read from its end

Records are not told apart in the file: they are cut out of ``data`` again by the rule by which they were cut out of the stream
(`pycontainerd.logs.lines`). It is not docker's format of the same name, which nothing but docker reads either.
"""

from __future__ import annotations

import os
from struct import Struct

from pycontainerd.logs.format import Place
from pycontainerd.logs.lines import count as count_records
from pycontainerd.logs.record import LogBatch, LogStream

_HEAD, _TAIL = Struct("<IBQ"), Struct("<I")
_AROUND = _HEAD.size + _TAIL.size
_KINDS: dict[LogStream, int] = {"stdout": 0x10, "stderr": 0x11}
_STREAMS: dict[int, LogStream] = {kind: stream for stream, kind in _KINDS.items()}
_LONGEST = 64 << 20
"""No entry is longer, by far: a larger size is none."""


class Local:
    """`Format` of the driver ``local``."""

    def encode(self, stream: LogStream, data: bytes, time_ns: int) -> bytes:
        """See Format."""
        return _HEAD.pack(len(data), _KINDS[stream], time_ns) + data + _TAIL.pack(len(data))

    def whole(self, block: bytes) -> int:
        """See Format."""
        position = 0
        while (end := _end(block, position)) is not None:
            position = end
        return position

    def decode(self, block: bytes) -> list[LogBatch]:
        """See Format."""
        found: list[LogBatch] = []
        position = 0
        while (end := _end(block, position)) is not None:
            _, kind, time_ns = _HEAD.unpack_from(block, position)
            data = block[position + _HEAD.size : end - _TAIL.size]
            if kind in _STREAMS and data:
                found.append(LogBatch(time_ns, _STREAMS[kind], data))
            position = end
        return found

    def tail(self, fd: int, size: int, count: int) -> Place:
        """See Format."""
        position, missing = size, count
        while missing > 0 and position >= _AROUND:
            (length,) = _TAIL.unpack(os.pread(fd, _TAIL.size, position - _TAIL.size))
            start = position - length - _AROUND
            if start < 0:
                break
            records = count_records(os.pread(fd, length, start + _HEAD.size))
            if records >= missing:
                return Place(start, skip=records - missing)
            position, missing = start, missing - records
        return Place(position if missing == 0 else 0, missing=missing)

    def sound_size(self, fd: int) -> int:
        """See Format: entries are followed from the start, because what is torn cannot be read from the end."""
        size, position = os.fstat(fd).st_size, 0
        while len(head := os.pread(fd, _HEAD.size, position)) == _HEAD.size:
            (length, kind, _) = _HEAD.unpack(head)
            end = position + length + _AROUND
            if end > size or kind not in _STREAMS or os.pread(fd, _TAIL.size, end - _TAIL.size) != _TAIL.pack(length):
                break
            position = end
        return position


def _end(block: bytes, position: int) -> int | None:
    """Where the entry at ``position`` ends; None when it is not whole."""
    if len(block) - position < _AROUND:
        return None
    (length, _, _) = _HEAD.unpack_from(block, position)
    end = int(position + length + _AROUND)
    return end if length <= _LONGEST and end <= len(block) else None
