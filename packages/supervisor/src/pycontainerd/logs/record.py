"""One entry of a log, and many of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, repeat
from typing import Literal

from attrs import define, frozen

from pycontainerd.logs.lines import pieces
from pycontainerd.logs.times import format_time, parse_time

LogStream = Literal["stdout", "stderr"]
NO_ATTRIBUTES: Mapping[str, str] = {}


@frozen
class LogRecord:
    """``data`` ends with a newline unless the line is continued in the next record (16 KiB pieces) or the output ended so.

    ``time_ns`` is CLOCK_REALTIME when the supervisor read it, in nanoseconds. ``attributes`` are the labels and variables that the
    log options ``labels`` and ``env`` ask for.
    """

    time_ns: int
    stream: LogStream
    data: bytes
    attributes: Mapping[str, str] = NO_ATTRIBUTES


@define(eq=False)
class LogBatch:
    """Records of one stream that follow each other, as they came: ``data`` is all of them in one piece.

    Who wants bytes takes ``data`` or ``pieces`` and needs no object a line. ``times`` is one for all (nanoseconds), or one for each as RFC 3339
    text with nine digits. ``single``: this is one record, however many newlines are in it.
    """

    times: int | Sequence[bytes]
    stream: LogStream
    data: bytes
    attributes: Mapping[str, str] = NO_ATTRIBUTES
    single: bool = False

    def pieces(self) -> list[bytes]:
        """The data of each record."""
        return [self.data] if self.single else pieces(self.data)

    def stamps(self) -> Iterable[bytes]:
        """The time of each record, as RFC 3339 text with nine digits of nanoseconds; without an end where all have the same."""
        return repeat(format_time(self.times).encode()) if isinstance(self.times, int) else self.times

    def records(self) -> Iterator[LogRecord]:
        """The records one by one."""
        times = (
            repeat(self.times) if isinstance(self.times, int) else (parse_time(each.decode()) for each in self.times)
        )
        stream, attributes = self.stream, self.attributes
        return (LogRecord(when, stream, data, attributes) for when, data in zip(times, self.pieces(), strict=False))

    def without_first(self, count: int) -> LogBatch:
        """The same but for its first ``count`` records."""
        return self._of([number >= count for number in range(len(self.pieces()))])

    def between(self, since_ns: int | None, until_ns: int | None) -> LogBatch | None:
        """Its records of that time, both ends included; None when there are none."""
        first, last = since_ns or 0, (1 << 63) - 1 if until_ns is None else until_ns
        if isinstance(self.times, int):
            return self if first <= self.times <= last else None
        wanted = [first <= parse_time(each.decode()) <= last for each in self.times]
        return self if all(wanted) else self._of(wanted) if any(wanted) else None

    def _of(self, wanted: list[bool]) -> LogBatch:
        times = self.times if isinstance(self.times, int) else list(compress(self.times, wanted))
        return LogBatch(times, self.stream, b"".join(compress(self.pieces(), wanted)), self.attributes, self.single)
