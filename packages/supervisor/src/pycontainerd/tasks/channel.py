"""The output of one process on its way: from its pipes or terminal, through its log, to its watchers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from errno import EIO
from threading import Lock

from pycontainerd.logs.buffered import Buffered, Way
from pycontainerd.logs.notifier import Notifier
from pycontainerd.tasks.hub import Hub
from pycontainerd.tasks.pipes import WIDE, widen

_logger = logging.getLogger(__name__)


class Channel:
    """Owns the descriptors ``outputs`` ({fd: is_stderr}) and the intake; the pump's thread moves, ends and closes.

    ``done`` has its result once every byte has gone to the log and to the watchers.
    """

    def __init__(self, name: str, outputs: dict[int, bool], hub: Hub, intake: Way | None, notifier: Notifier) -> None:
        self.name = name
        self.done: Future[None] = Future()
        self.lock = Lock()
        """Held while a batch is moved: who holds it sees log and watchers at the same byte."""
        self.intake = intake
        self._outputs = outputs
        self._hub = hub
        self._notifier = notifier
        if isinstance(intake, Buffered):
            intake.grown = notifier.grown
        self.waits = intake is None or intake.waits
        """Whether who moves may have to wait for the disk."""
        for fd in outputs:
            os.set_blocking(fd, False)
            if intake is None:
                widen(fd)

    def is_held_up(self) -> bool:
        """Whether a watcher is to be waited for before more is moved."""
        return self._hub.is_full()

    def on_relief(self, relieved: Callable[[], None]) -> None:
        """Call this, from whichever thread, when that is over."""
        self._hub.on_relief = relieved

    def fds(self) -> list[int]:
        """The descriptors that have not ended yet."""
        return list(self._outputs)

    def move(self, fd: int) -> int:
        """Move one batch and return its length, 0 at the end. BlockingIOError when there is none."""
        is_stderr = self._outputs[fd]
        with self.lock:
            data = self._take(fd, is_stderr)
            if data:
                self._hub.publish(is_stderr, data)
                if self.intake is not None and self.intake.log(is_stderr):
                    self._notifier.grown()
        return len(data)

    def end(self, fd: int) -> None:
        """This stream is over: close it, and finish when it was the last."""
        is_stderr = self._outputs.pop(fd)
        os.close(fd)
        with self.lock:
            try:
                if self.intake is not None:
                    self.intake.log(is_stderr, ended=True)
            except OSError as error:
                _logger.error("%s: its last line is not logged: %s", self.name, error)
        self.finish_if_ended()

    def finish_if_ended(self) -> None:
        """Tell everybody, once, if nothing is left open."""
        if self._outputs or self.done.done():
            return
        if self.intake is None:
            self._drained()
        else:
            self.intake.drain(self._drained)

    def _drained(self) -> None:
        self._close_intake(finished=True)
        self._finish()

    def close(self) -> None:
        """Let go without an end: the supervisor closes, the process goes on."""
        for fd in self._outputs:
            os.close(fd)
        self._outputs.clear()
        self._close_intake(finished=False)
        self.done.cancel()
        self._finish()

    def _close_intake(self, *, finished: bool) -> None:
        with self.lock:
            intake, self.intake = self.intake, None
            try:
                if intake is not None:
                    intake.close(finished=finished)
            except OSError as error:  # whatever it is, nobody may wait for this channel for ever
                _logger.error("%s: its log is not closed as it should be: %s", self.name, error)

    def _finish(self) -> None:
        self._hub.end()
        self._notifier.finish()
        if not self.done.done():
            self.done.set_result(None)

    def _take(self, fd: int, is_stderr: bool) -> bytes:
        try:
            return self.intake.take(fd, is_stderr) if self.intake is not None else os.read(fd, WIDE)
        except OSError as error:
            if error.errno == EIO:  # a terminal's master when the last slave was closed
                return b""
            raise
