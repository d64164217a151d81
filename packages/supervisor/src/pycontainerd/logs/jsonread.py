"""Reading json-file logs fast: many lines are cut, checked and unescaped by functions of C, and none becomes an object.

What our own writer writes has its fields in one order and its times in one length, so that each part of a line is at the same place, counted
from its end. Lines are taken in groups; a group in which not all are like that is read line by line, as any JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from pycontainerd.logs.record import NO_ATTRIBUTES, LogBatch, LogStream
from pycontainerd.logs.times import parse_time

_GROUP = 512
"""Lines that are looked at together: what one strange line among them can slow down."""
_HEAD = b'{"log":"'
_MARK = b'\\n","stream":"'
"""What is behind the text of a whole line, with the newline itself."""
_BEHIND = len('2026-01-02T03:04:05.123456789Z"}')
_SHORTEST = len('","stream":"stdout","time":"') + _BEHIND
_STREAMS: dict[bytes, LogStream] = {b"stdout": "stdout", b"stderr": "stderr"}


def batches(block: bytes) -> list[LogBatch]:
    """The records of whole lines."""
    lines = block.split(b"\n")
    lines.pop()
    return [batch for start in range(0, len(lines), _GROUP) for batch in _group(lines[start : start + _GROUP])]


def slow(line: bytes) -> LogBatch | None:
    """The record in one line, whatever the order of its fields; None where it is damaged."""
    try:
        entry = json.loads(line)
        text, stream, when = entry["log"], entry["stream"], parse_time(entry["time"])
        attributes = {str(name): str(value) for name, value in entry.get("attrs", {}).items()} or NO_ATTRIBUTES
        data = text.encode("utf-8", "surrogatepass")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return LogBatch(when, "stderr" if stream == "stderr" else "stdout", data, attributes, single=True)


def _group(lines: list[bytes]) -> list[LogBatch]:
    size = len(lines[0]) - lines[0].find(_MARK)  # what is behind the text
    fast = _fast(lines, size) if _SHORTEST <= size < len(lines[0]) else None
    return fast if fast is not None else [batch for batch in map(slow, lines) if batch is not None]


def _fast(lines: list[bytes], size: int) -> list[LogBatch] | None:
    """The batches of lines of which each has ``size`` bytes behind its text, with a newline first; None when one of them has not."""
    mark = itemgetter(slice(-size, -_BEHIND))
    kinds = {each: _kind(each) for each in set(map(mark, lines))}
    if None in kinds.values() or set(map(itemgetter(slice(len(_HEAD))), lines)) != {_HEAD}:
        return None
    runs = (
        [(next(iter(kinds)), lines)] if len(kinds) == 1 else [(each, list(run)) for each, run in groupby(lines, mark)]
    )
    found = []
    for each, run in runs:
        kind, data = kinds[each], _unescaped(list(map(itemgetter(slice(len(_HEAD), -size)), run)))
        if kind is None or data is None:
            return None
        found.append(LogBatch(_Times(run), kind[0], data, kind[1]))
    return found


class _Times(Sequence[bytes]):
    """The times of lines, cut out when somebody wants to know."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[bytes]:
        return map(itemgetter(slice(-_BEHIND, -len('"}'))), self._lines)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]


@lru_cache(16)
def _kind(mark: bytes) -> tuple[LogStream, dict[str, str]] | None:
    """Stream and attributes from ``\\n","stream":"stdout",…"time":"``; None when it is something else."""
    stream = _STREAMS.get(mark[len(_MARK) : len(_MARK) + 6]) if mark.startswith(_MARK) else None
    try:
        entry = json.loads(b'{"log":"' + mark + b'"}')
        attributes = {str(name): str(value) for name, value in entry.pop("attrs", {}).items()}
    except (ValueError, AttributeError):
        return None
    return (stream, attributes) if stream is not None and set(entry) == {"log", "stream", "time"} else None


def _unescaped(texts: list[bytes]) -> bytes | None:
    """The lines whose escaped text is ``texts``, in one piece; None when it is not one line each, or damaged."""
    data = b"\n".join(texts)
    if b"\\" in data:
        try:
            decoded: str = json.loads(b'"' + data.replace(b"\n", b"\\n") + b'"', strict=False)
            data = decoded.encode("utf-8", "surrogatepass")
        except ValueError:
            return None
    if data.count(b"\n") != len(texts) - 1:
        return None
    return data + b"\n"
