"""Where a process's output meets those who watch it."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from threading import Lock

from pycontainerd.tasks.spill import SpillQueue

_logger = logging.getLogger(__name__)


class Hub:
    """Hands each piece of output to every subscriber. ``publish`` comes from the pump's thread, the rest from the loop.

    With ``waits`` the process waits for the slowest of them: ``is_full`` says so, and ``on_relief`` is called when it is over. Otherwise a slow one
    stalls nobody.

    A hub outlives the runs of a container: who subscribes before ``start`` sees the next run from its first byte, and every
    subscription ends with the run.
    """

    def __init__(self, spill_directory: str | os.PathLike[str], *, waits: bool = False) -> None:
        self._directory = spill_directory
        self._waits = waits
        self.on_relief: Callable[[], None] = lambda: None
        self._lock = Lock()
        self._subscribers: dict[SpillQueue, tuple[bool, bool]] = {}

    def subscribe(self, *, stdout: bool, stderr: bool) -> SpillQueue:
        """A queue that gets the wanted streams from now on. ``(is_stderr, data)`` are its items."""
        queue = self.queue()
        self.add(queue, stdout=stdout, stderr=stderr)
        return queue

    def queue(self) -> SpillQueue:
        """A queue that gets nothing yet; made on the loop."""
        return SpillQueue(self._directory, relieved=self._relieve if self._waits else None)

    def is_full(self) -> bool:
        """Whether somebody has not taken what there is, and is to be waited for."""
        if not self._waits:
            return False
        with self._lock:
            return any(queue.full for queue in self._subscribers)

    def add(self, queue: SpillQueue, *, stdout: bool, stderr: bool) -> None:
        """Let ``queue`` get the wanted streams from now on; from any thread."""
        with self._lock:
            self._subscribers[queue] = (stdout, stderr)

    def unsubscribe(self, queue: SpillQueue) -> None:
        """Forget it; safe to repeat."""
        with self._lock:
            self._subscribers.pop(queue, None)
        self._relieve()

    def _relieve(self) -> None:
        self.on_relief()

    def publish(self, is_stderr: bool, data: bytes) -> None:
        """Give ``data`` to all who want this stream."""
        with self._lock:
            for queue, wanted in [*self._subscribers.items()]:
                if wanted[is_stderr]:
                    self._put(queue, is_stderr, data)

    def _put(self, queue: SpillQueue, is_stderr: bool, data: bytes) -> None:
        """One watcher's trouble - no room for what it has not read, its event loop closed - is not the others', nor the process's."""
        try:
            queue.put(is_stderr, data)
        except (OSError, RuntimeError) as error:
            _logger.warning("a reader of a process's output is let go: %s", error)
            del self._subscribers[queue]
            with contextlib.suppress(RuntimeError):
                queue.end()

    def end(self) -> None:
        """The run is over: subscribers read what is left, then end."""
        with self._lock:
            for queue in self._subscribers:
                with contextlib.suppress(RuntimeError):  # its event loop is closed
                    queue.end()
            self._subscribers.clear()
