"""Who is working on what: whoever comes second waits for the first, and finds the work done, or does it after all."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from attrs import define, field


class Claim:
    """The right to work on ``name``, until the context is left."""

    def __init__(self, claims: Claims, name: str, done: Future[None]) -> None:
        self._claims, self._name, self._done = claims, name, done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._claims._end(self._name)
        self._done.set_result(None)


@define
class Claims:
    """From any thread. Nothing here waits: a Future can be waited for in a thread as well as on an event loop (``asyncio.wrap_future``)."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _working: dict[str, Future[None]] = field(factory=dict)

    def claim(self, name: str) -> Claim | Future[None]:
        """A Claim if nobody has one on ``name``, otherwise what is done when that one ends, well or not."""
        with self._lock:
            if (others := self._working.get(name)) is not None:
                return others
            done = self._working[name] = Future[None]()
            done.set_running_or_notify_cancel()  # whoever waits for it on an event loop and is cancelled leaves it to the others
            return Claim(self, name, done)

    def claimed(self, name: str) -> bool:
        """Whether somebody is working on it."""
        with self._lock:
            return name in self._working

    def _end(self, name: str) -> None:
        with self._lock:
            del self._working[name]
