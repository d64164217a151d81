"""The json-file format: one JSON object a line, as docker writes and reads it.

``{"log":"text\\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}``. Bytes that are not UTF-8 become U+FFFD, as docker's do.
With the log options ``labels`` or ``env`` there is ``"attrs":{"label":"value"}`` before the time.

A batch is written by replacing bytes in all its lines at once: what a line costs is not Python's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping

from pycontainerd.logs import jsonread
from pycontainerd.logs.format import Place
from pycontainerd.logs.lines import has_long_line, pieces
from pycontainerd.logs.record import NO_ATTRIBUTES, LogBatch, LogRecord, LogStream
from pycontainerd.logs.times import format_time, parse_time

__all__ = ["JsonFile", "decode", "encode", "format_time", "parse_time"]

_BLOCK = 128 << 10
_HEAD = b'{"log":"'
_PLAIN = bytes(byte for byte in range(0x20, 0x80) if byte not in b'"\\') + b"\n"
_ESCAPES = {byte: json.dumps(chr(byte))[1:-1].encode() for byte in (*range(0x20), *b'"\\') if byte != ord("\n")}


def encode(stream: LogStream, records: Iterable[bytes], time_ns: int) -> bytes:
    """The lines of the file for ``records`` that were read at ``time_ns``."""
    return JsonFile().encode_each(stream, records, time_ns)


def decode(line: bytes) -> LogRecord | None:
    """The record in a line of the file, or None where it is damaged (a host that lost power in the middle of a write)."""
    batch = jsonread.slow(line)
    return None if batch is None else next(batch.records())


class JsonFile:
    """`Format` of docker's driver ``json-file``. ``attributes`` are written with each record."""

    def __init__(self, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> None:
        text = json.dumps(dict(sorted(attributes.items())), ensure_ascii=False, separators=(",", ":"))
        self.attributes = attributes
        self._inserted = f'"attrs":{text},' if attributes else ""

    def encode(self, stream: LogStream, data: bytes, time_ns: int) -> bytes:
        """See Format."""
        if has_long_line(data):
            return self.encode_each(stream, pieces(data), time_ns)
        tail = self._tail(stream, time_ns)
        text = _escaped(data)
        if not text.endswith(b"\n"):
            return _HEAD + text.replace(b"\n", b"\\n" + tail + _HEAD) + tail
        return _HEAD + text[:-1].replace(b"\n", b"\\n" + tail + _HEAD) + b"\\n" + tail

    def encode_each(self, stream: LogStream, records: Iterable[bytes], time_ns: int) -> bytes:
        """The same for records that are cut already."""
        tail = self._tail(stream, time_ns)
        return b"".join([_HEAD + _escaped(record).replace(b"\n", b"\\n") + tail for record in records])

    def whole(self, block: bytes) -> int:
        """See Format."""
        return block.rfind(b"\n") + 1

    def decode(self, block: bytes) -> list[LogBatch]:
        """See Format."""
        return jsonread.batches(block)

    def tail(self, fd: int, size: int, count: int) -> Place:
        """See Format."""
        if count == 0:
            return Place(size)
        position, missing = size, count
        while position > 0:
            start = max(0, position - _BLOCK)
            block = os.pread(fd, position - start, start)
            at = len(block)
            while (at := block.rfind(b"\n", 0, at)) >= 0:
                if start + at + 1 == size:  # what ends the last line begins none
                    continue
                missing -= 1
                if missing == 0:
                    return Place(start + at + 1)
            position = start
        return Place(0, missing=max(0, missing - (1 if size > 0 else 0)))

    def sound_size(self, fd: int) -> int:
        """See Format."""
        size = os.fstat(fd).st_size
        tail = os.pread(fd, 64 << 10, max(0, size - (64 << 10)))
        return size - (len(tail) - (tail.rfind(b"\n") + 1))

    def _tail(self, stream: LogStream, time_ns: int) -> bytes:
        return f'","stream":"{stream}",{self._inserted}"time":"{format_time(time_ns)}"}}\n'.encode()


def _escaped(data: bytes) -> bytes:
    """The inside of a JSON string, but for its newlines, which the caller replaces together with what comes between lines."""
    special = data.translate(None, _PLAIN)
    if not special:  # most of most logs
        return data
    if not special.isascii():
        data = data.decode("utf-8", "replace").encode()
    if b"\\" in special:  # first, because all others are written with it
        data = data.replace(b"\\", b"\\\\")
    for byte in set(special) & _ESCAPES.keys() - {ord("\\")}:
        data = data.replace(bytes((byte,)), _ESCAPES[byte])
    return data
