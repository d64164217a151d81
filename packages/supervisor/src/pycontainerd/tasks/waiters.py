"""Those who wait for a container's end."""

from __future__ import annotations

import asyncio
from typing import Literal

from pycontainerd.containers.info import ExitStatus

WaitCondition = Literal["not-running", "next-exit", "removed"]


class Waiters:
    """Futures by what they wait for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[WaitCondition, asyncio.Future[ExitStatus]]] = []
        self._removed: ExitStatus | None = None

    def add(self, condition: WaitCondition) -> asyncio.Future[ExitStatus]:
        """A future in force from now on."""
        future: asyncio.Future[ExitStatus] = asyncio.get_running_loop().create_future()
        if self._removed is not None:
            future.set_result(self._removed)
        else:
            self._waiting.append((condition, future))
        return future

    def exited(self, status: ExitStatus) -> None:
        """It ended."""
        self._resolve({"not-running", "next-exit"}, status)

    def removed(self, status: ExitStatus) -> None:
        """It is gone, and nothing else will ever happen to it: who waits from now on waits no longer."""
        self._removed = status
        self._resolve({"not-running", "next-exit", "removed"}, status)

    def close(self) -> None:
        """Nobody will be told any more."""
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def _resolve(self, conditions: set[WaitCondition], status: ExitStatus) -> None:
        for condition, future in self._waiting:
            if condition in conditions and not future.done():
                future.set_result(status)
        self._waiting = [entry for entry in self._waiting if not entry[1].done()]
