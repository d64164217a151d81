"""docker's ``mode=non-blocking``: what a process says goes to memory, and from there to its log by a thread that may wait for the disk.

What does not fit into the memory is not logged. As in docker (daemon/logger/ring.go) it is the new records that are dropped, each for itself, so
that what is in the log first is what was said first; and one record is taken when nothing else is there, whatever its size. Attached readers
get everything all the same.

When the supervisor is closed, all that is in memory is written; when it is killed, that is lost. For output that must not be, there is the other mode.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final, TypeAlias

from attrs import frozen

from pycontainerd.logs.intake import Intake, Standing
from pycontainerd.logs.lines import pieces, whole
from pycontainerd.logs.spool import BATCH

DEFAULT_SIZE: Final = 1_000_000
"""Bytes, docker's defaultRingMaxSize."""
_logger = logging.getLogger(__name__)


@frozen
class _Batch:
    is_stderr: bool
    data: bytes
    time_ns: int


class Buffered:
    """What an `Intake` is, for a process that must not wait. ``limit`` is in bytes of output; ``dropped`` counts records."""

    waits = False

    def __init__(self, intake: Intake, limit: int, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.grown: Callable[[], None] = _to_nobody
        """Called in the thread that writes, when the log has grown."""
        self.dropped = 0
        self._intake, self._limit, self._clock = intake, limit, clock
        self._pending = [intake.hand_over(False), intake.hand_over(True)]
        self._queue: deque[_Batch] = deque()
        self._size = 0
        self._log_size = intake.log_size
        self._changed = Condition()
        self._ended = False
        self._then: Callable[[], None] = _to_nobody
        self._thread = Thread(target=self._run, name="pycontainerd-log", daemon=True)
        self._thread.start()

    # -- the side of the pump, which never waits ---------------------------------------------------------------------------------

    def take(self, fd: int, is_stderr: bool) -> bytes:
        """Read a batch, and return it; empty at the end of the stream, BlockingIOError when nothing is there."""
        data = os.read(fd, BATCH)
        self._pending[is_stderr] += data
        return data

    def log(self, is_stderr: bool, *, ended: bool = False) -> bool:
        """Let the complete lines be logged (``ended``: the rest too). False: the log has not grown yet."""
        pending = self._pending[is_stderr]
        length = whole(pending, ended=ended)
        if length:
            self._pending[is_stderr] = pending[length:]
            self._offer(is_stderr, pending[:length])
        return False

    def standing(self) -> Standing:
        """See Intake. In the moment in which the log begins a new file, what is just being written may be told twice."""
        with self._changed:
            waiting = [(batch.is_stderr, batch.data) for batch in self._queue]
            return Standing(self._log_size, (*waiting, (False, self._pending[False]), (True, self._pending[True])))

    def drain(self, then: Callable[[], None]) -> None:
        """Nothing more comes: call ``then`` when everything is written, in the thread that has written it."""
        with self._changed:
            self._then, self._ended = then, True
            self._changed.notify()

    def close(self, *, finished: bool) -> None:
        """Write what is there, and close the log. Not ``finished``: the beginnings of lines are kept for the next one."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        try:
            for is_stderr in (False, True) if not finished else ():
                self._intake.keep(is_stderr, self._pending[is_stderr])
        finally:
            self._intake.close(finished=finished)

    def _offer(self, is_stderr: bool, data: bytes) -> None:
        now = self._clock()
        with self._changed:
            if self._size + len(data) > self._limit:
                data = self._fitting(data)
            if data:
                self._queue.append(_Batch(is_stderr, data, now))
                self._size += len(data)
                self._changed.notify()

    def _fitting(self, data: bytes) -> bytes:
        size, kept = self._size, []
        for record in pieces(data):
            if size and size + len(record) > self._limit:
                self.dropped += 1
            else:
                kept.append(record)
                size += len(record)
        return b"".join(kept)

    # -- the thread that writes --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._intake.write(batch.is_stderr, batch.data, batch.time_ns)
            except Exception:  # whatever it is, nobody may wait for this thread for ever
                _logger.exception("the output of a process is not logged")
            with self._changed:
                self._queue.popleft()
                self._size -= len(batch.data)
                self._log_size = self._intake.log_size
            self.grown()
        self._then()

    def _next(self) -> _Batch | None:
        """The oldest, which stays in the queue until it is written; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._ended)
            return self._queue[0] if self._queue else None


Way: TypeAlias = Intake | Buffered
"""What a process's output goes to its log by."""


def _to_nobody() -> None:
    """Nobody waits for it."""
