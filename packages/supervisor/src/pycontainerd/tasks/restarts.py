"""Starting a container again when its policy says so: the waiting, and who may call it off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from pycontainerd.containers.record import ContainerRecord
from pycontainerd.containers.restart import next_wait

_logger = logging.getLogger(__name__)


class Restarts:
    """Of one container. ``called_off`` is set when somebody has asked the present run to end: then it is not started again."""

    def __init__(self) -> None:
        self.called_off = False
        self._wait = 0.0
        self._task: asyncio.Task[None] | None = None

    def reset(self) -> None:
        """Somebody has started it: all that was before does not count."""
        self.called_off = False
        self._wait = 0.0

    def wanted(self, record: ContainerRecord, exit_code: int) -> bool:
        """Whether the run that has just ended is to be followed by another."""
        policy = record.config.restart
        return not self.called_off and policy.wants(
            exit_code=exit_code, restarts=record.restart_count, stopped_by_hand=record.stopped_by_hand
        )

    def schedule(self, ran: float, start: Callable[[], Awaitable[None]]) -> None:
        """Call ``start`` after docker's wait: 0.1 s, twice as long each time up to a minute, from the beginning again after a run of 10 s."""
        self._wait = next_wait(self._wait, ran)
        self._task = asyncio.create_task(self._later(self._wait, start))

    async def close(self) -> None:
        """The next supervisor will see to it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @staticmethod
    async def _later(seconds: float, start: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        try:
            await start()
        except Exception:
            _logger.exception("a container could not be started again")
