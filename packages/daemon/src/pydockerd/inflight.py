"""The requests that are being served: what a daemon that is to stop waits for, and what it ends.

A request is carried through to its end. One that follows something which has no end of its own (events, logs that are followed, an attached terminal, a
wait) is ended as soon as the daemon stops, as if what it follows had ended: its client gets a whole answer and not a broken connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Requests:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()
        self._following: set[asyncio.Task[object]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.ending = False
        """Whether the daemon is to stop: answers say that their connection is closed after them."""

    def __len__(self) -> int:
        return len(self._running)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The current task serves a request inside."""
        task = _current()
        self._running.add(task)
        self._idle.clear()
        try:
            yield
        finally:
            self._running.discard(task)
            if not self._running:
                self._idle.set()

    @contextmanager
    def following(self) -> Iterator[None]:
        """What the current task does inside has no end of its own."""
        task = _current()
        self._following.add(task)
        try:
            if self.ending:
                task.cancel()
            yield
        finally:
            self._following.discard(task)

    def end(self) -> None:
        """From now on nothing follows any more."""
        self.ending = True
        for task in self._following:
            task.cancel()

    async def ended(self, seconds: float | None) -> bool:
        """Wait until nothing is served, at most so long. Whether it came to that."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _current() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None, "requests are served by tasks"
    return task
