"""Cutting a stream into log records, as docker's copier does."""

from __future__ import annotations

from collections.abc import Iterator

PIECE = 16 << 10
"""The longest record, in bytes: a longer line becomes several records, of which only the last ends with a newline."""


def cut(data: bytes, *, ended: bool) -> tuple[list[bytes], int]:
    """The records in ``data``, which starts where a record starts, and how many bytes they take.

    The rest is the beginning of a line that is still being written; once the stream has ``ended`` it is a record too.
    """
    end = data.rfind(b"\n") + 1
    lines = [line + b"\n" for line in data[:end].split(b"\n")[:-1]] if end else []
    records = [piece for line in lines for piece in (_pieces(line) if len(line) > PIECE else (line,))]
    tail = data[end:]
    whole = len(tail) if ended else len(tail) // PIECE * PIECE
    records.extend(_pieces(tail[:whole]))
    return records, end + whole


def _pieces(line: bytes) -> Iterator[bytes]:
    return (line[start : start + PIECE] for start in range(0, len(line), PIECE))
