"""Waking those who follow a log when it has grown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from threading import Lock


class Notifier:
    """``grown`` and ``finish`` may be called from any thread; followers wait on their loop. One notifier serves one run of a container."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._followers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self.finished = False

    def grown(self) -> None:
        """There is more to read."""
        with self._lock:
            for event, loop in self._followers.items():
                if not event.is_set():
                    with contextlib.suppress(RuntimeError):  # the follower's loop is closed
                        loop.call_soon_threadsafe(event.set)

    def finish(self) -> None:
        """There will be no more."""
        self.finished = True
        self.grown()

    @contextlib.contextmanager
    def following(self) -> Iterator[asyncio.Event]:
        """An event that is set when the log has grown; clear it before reading, so that nothing is missed."""
        event = asyncio.Event()
        with self._lock:
            self._followers[event] = asyncio.get_running_loop()
        try:
            yield event
        finally:
            with self._lock:
                del self._followers[event]
