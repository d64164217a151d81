"""Reading json-file logs fast: many lines are cut, checked and unescaped by functions of C, and none becomes an object.

What our own writer writes has its fields in one order and its times in one length, so that each part of a line is at the same place, counted
from its end. Lines are taken in groups; a group in which not all are like that is read line by line, as any JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from pycontainerd.logs.record import NO_ATTRIBUTES, LogBatch, LogStream
from pycontainerd.logs.times import parse_time

_GROUP = 512
"""Lines that are looked at together: what one strange line among them can slow down."""
_HEAD = b'{"log":"'
_MARK = b'","stream":"'
_TIME, _CLOSE = len("2026-01-02T03:04:05.123456789Z"), b'Z"}'
_BEHIND = _TIME + len('"}')
_TYPICAL = 61
"""Lines shorter than this, which is what is around an empty one, are none."""
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
    size = len(lines[0]) - lines[0].find(_MARK) - len('"')  # from the comma behind the text to the end of the line
    fast = _fast(lines, size) if _TYPICAL - 2 <= size < len(lines[0]) else None
    return fast if fast is not None else [batch for batch in map(slow, lines) if batch is not None]


def _fast(lines: list[bytes], size: int) -> list[LogBatch] | None:
    """The batches of lines of which each has ``size`` bytes behind its text and a newline at its end; None when one of them has not."""
    heads = set(map(itemgetter(slice(len(_HEAD))), lines))
    closes = set(map(itemgetter(slice(-len(_CLOSE), None)), lines))
    ends = set(map(itemgetter(slice(-size - 3, -size)), lines))
    if heads != {_HEAD} or closes != {_CLOSE} or ends != {b'\\n"'} or min(map(len, lines)) < size + 3 + len(_HEAD):
        return None
    marks = list(map(itemgetter(slice(-size, -_BEHIND)), lines))
    kinds = {mark: _kind(mark) for mark in set(marks)}
    if None in kinds.values():
        return None
    found = []
    for mark, texts, times in _runs(lines, marks, size, several=len(kinds) > 1):
        kind, data = kinds[mark], _unescaped(texts)
        if kind is None or data is None:
            return None
        found.append(LogBatch(times, kind[0], data, kind[1]))
    return found


def _runs(
    lines: list[bytes], marks: list[bytes], size: int, *, several: bool
) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """What is behind the text, the texts and the times of lines of one stream that follow each other."""
    text, time = itemgetter(slice(len(_HEAD), -size - 3)), itemgetter(slice(-_BEHIND, -len('"}')))
    if not several:
        yield marks[0], list(map(text, lines)), list(map(time, lines))
        return
    for mark, pairs in groupby(zip(marks, lines, strict=True), key=itemgetter(0)):
        run = [line for _, line in pairs]
        yield mark, list(map(text, run)), list(map(time, run))


@lru_cache(16)
def _kind(mark: bytes) -> tuple[LogStream, dict[str, str]] | None:
    """Stream and attributes from ``,"stream":"stdout",…"time":"``; None when it is something else."""
    stream = _STREAMS.get(mark[len(_MARK) - 1 : len(_MARK) + 5])
    try:
        entry = json.loads(b'{"log":""' + mark + b'"}')
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
