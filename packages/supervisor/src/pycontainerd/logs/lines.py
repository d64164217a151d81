"""Cutting a stream into log records, as docker's copier does."""

from __future__ import annotations

PIECE = 16 << 10
"""The longest record, in bytes: a longer line becomes several records, of which only the last ends with a newline."""


def whole(data: bytes, *, ended: bool) -> int:
    """How many bytes of ``data``, which starts where a record starts, are whole records.

    The rest is the beginning of a line that is still being written; once the stream has ``ended`` it is a record too.
    """
    if ended:
        return len(data)
    end = data.rfind(b"\n") + 1
    return end + (len(data) - end) // PIECE * PIECE


def pieces(data: bytes) -> list[bytes]:
    """The records that ``data``, whole ones, consists of."""
    if not has_long_line(data):
        if b"\r" not in data:  # the one other character that ends a line for splitlines
            return data.splitlines(keepends=True)
        *lines, tail = data.split(b"\n")
        return [*[line + b"\n" for line in lines], *([tail] if tail else ())]
    *lines, tail = data.split(b"\n")
    return [piece for line in (*(line + b"\n" for line in lines), tail) for piece in _cut(line)]


def cut(data: bytes, *, ended: bool) -> tuple[list[bytes], int]:
    """The records in ``data`` and how many bytes they take."""
    length = whole(data, ended=ended)
    return pieces(data[:length]), length


def count(data: bytes) -> int:
    """How many records ``pieces`` would give."""
    return len(pieces(data)) if has_long_line(data) else data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def has_long_line(data: bytes) -> bool:
    """Whether a line takes more than one record. Looks at one newline in each 16 KiB only."""
    start, size = 0, len(data)
    while size - start > PIECE:
        start = data.rfind(b"\n", start, start + PIECE) + 1
        if not start:
            return True
    return False


def _cut(line: bytes) -> list[bytes]:
    return [line[start : start + PIECE] for start in range(0, len(line), PIECE)]
