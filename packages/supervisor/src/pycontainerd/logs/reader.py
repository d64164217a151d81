"""Reading a json-file log: from the start, the last N records, between two times, or on and on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from attrs import frozen

from pycontainerd.logs.jsonfile import decode
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.record import LogRecord
from pycontainerd.logs.rotation import files

_BLOCK = 128 << 10
_ATTEMPTS = 100


@frozen(kw_only=True)
class Query:
    """What to read: ``tail`` records from the end (None: all), then of those the ones with since <= time <= until (nanoseconds)."""

    since_ns: int | None = None
    until_ns: int | None = None
    tail: int | None = None
    stdout: bool = True
    stderr: bool = True

    def wants(self, record: LogRecord) -> bool:
        """Whether the record passes."""
        if self.since_ns is not None and record.time_ns < self.since_ns:
            return False
        if self.until_ns is not None and record.time_ns > self.until_ns:
            return False
        return self.stderr if record.stream == "stderr" else self.stdout


async def read(
    log: Path, query: Query, notifier: Notifier | None = None, *, limit: int | None = None
) -> AsyncIterator[LogRecord]:
    """The records that ``query`` wants; with a ``notifier`` also those that are still to come, until it says that there are no more.

    ``limit`` is the size, in bytes, at which to stop in the current file.
    """
    cursor = await asyncio.to_thread(_Cursor.at_tail, log, query.tail)
    with cursor, contextlib.ExitStack() as stack:
        grown = stack.enter_context(notifier.following()) if notifier else None
        while True:
            finished = notifier is None or notifier.finished
            if grown is not None:
                grown.clear()
            records = await asyncio.to_thread(cursor.next_batch, limit)
            for record in records:
                if query.wants(record):
                    yield record
            if records:
                continue
            if finished or grown is None or not await _woken(grown, query.until_ns):
                return


async def _woken(grown: asyncio.Event, until_ns: int | None) -> bool:
    """Wait for more; False when the time that is asked for has passed without."""
    timeout = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
    if timeout is not None and timeout <= 0:
        return False
    try:
        await asyncio.wait_for(grown.wait(), timeout)
    except TimeoutError:
        return False
    return True


class _Cursor:
    """A place in a log that may be rotated meanwhile: it goes on in the file that came after the one it was in."""

    def __init__(self, log: Path, path: Path | None, offset: int) -> None:
        self._log = log
        self._fd = -1
        self._offset = offset
        if path is not None:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @classmethod
    def at_tail(cls, log: Path, tail: int | None) -> _Cursor:
        """Before the last ``tail`` records. A rotation between looking for a file and opening it means looking again."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                return cls._at_tail(log, tail)
        return cls(log, None, 0)

    @classmethod
    def _at_tail(cls, log: Path, tail: int | None) -> _Cursor:
        found = [path for path in files(log) if path.exists()]
        if not found:
            return cls(log, None, 0)
        if tail is None:
            return cls(log, found[0], 0)
        missing = tail
        for path in reversed(found):
            offset, missing = _tail_offset(path, missing)
            if missing == 0 or path is found[0]:
                return cls(log, path, offset)
        return cls(log, found[0], 0)

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def next_batch(self, limit: int | None) -> list[LogRecord]:
        """The next records; none when there are none yet."""
        if self._fd < 0 and not self._open(self._log):
            return []
        while True:
            size = _BLOCK if limit is None or not self._is_current() else min(_BLOCK, limit - self._offset)
            lines = _whole_lines(self._fd, self._offset, size) if size > 0 else b""
            if lines:
                self._offset += len(lines)
                return [record for line in lines.splitlines() if (record := decode(line)) is not None]
            if self._is_current() or not self._next_file():
                return []

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._log), os.fstat(self._fd))
        except FileNotFoundError:
            return True

    def _next_file(self) -> bool:
        """Go to the file after this one; the oldest that exists when this one is gone altogether."""
        after: Path | None = None
        mine = os.fstat(self._fd)
        found = files(self._log)
        for path, following in zip(found, [*found[1:], None], strict=True):
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), mine):
                    after = following
                    break
        else:
            after = found[0]
        return after is not None and self._open(after)

    def _open(self, path: Path) -> bool:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._offset = fd, 0
        return True


def _whole_lines(fd: int, offset: int, size: int) -> bytes:
    """The complete lines from ``offset`` on, about ``size`` bytes of them."""
    data = os.pread(fd, size, offset)
    while data and b"\n" not in data and (more := os.pread(fd, _BLOCK, offset + len(data))):
        data += more
    return data[: data.rfind(b"\n") + 1]


def _tail_offset(path: Path, count: int) -> tuple[int, int]:
    """Where the last ``count`` lines of the file begin, and how many of them it does not have."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        if count == 0:
            return end, 0
        position, missing = end, count
        while position > 0:
            start = max(0, position - _BLOCK)
            block = os.pread(file.fileno(), position - start, start)
            at = len(block)
            while (at := block.rfind(b"\n", 0, at)) >= 0:
                if start + at + 1 == end:  # what ends the last line begins none
                    continue
                missing -= 1
                if missing == 0:
                    return start + at + 1, 0
            position = start
        return 0, max(0, missing - (1 if end > 0 else 0))
