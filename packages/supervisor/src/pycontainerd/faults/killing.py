"""A signal at a moment."""

from __future__ import annotations

import asyncio
import re
import time

from pycontainerd.errors import NotRunning
from pycontainerd.faults.subject import Subject


class Killing:
    """One that is to come, or has come."""

    def __init__(self, subject: Subject, at: float | str, signal: int | str) -> None:
        self._subject, self._signal = subject, signal
        self._at, self._since = at, time.time_ns()
        self._task = asyncio.create_task(self._kill())

    async def happened(self) -> None:
        """Return once the signal was sent, and for one that ends it once it has ended. Raises NotRunning when it had ended before."""
        await asyncio.shield(self._task)

    async def call_off(self) -> None:
        """Not any more. Nothing is undone of one that has happened."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _kill(self) -> None:
        await (self._line(self._at) if isinstance(self._at, str) else asyncio.sleep(self._at))
        ended = self._subject.waiter()
        try:
            await self._subject.kill(self._signal)
            if self._signal in {"KILL", "SIGKILL", 9}:
                await ended
        finally:
            ended.cancel()

    async def _line(self, pattern: str) -> None:
        wanted, line = re.compile(pattern), ""
        async for record in self._subject.logs(follow=True, since_ns=self._since):
            line += record.data.decode(errors="replace")
            if wanted.search(line):
                return
            line = "" if line.endswith("\n") else line
        raise NotRunning(f"container {self._subject.id[:12]} has ended and has not said {pattern!r}")
