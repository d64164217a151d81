"""Leases end by themselves: somebody has to wait for that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from pycontainerd.errors import SupervisorError
from pycontainerd.leases import table
from pycontainerd.metadata.database import Database

_logger = logging.getLogger(__name__)
_LONGEST = 60.0
"""Seconds until the time is looked at again: somebody may have set the clock."""
_PAUSE = 0.5
"""Seconds between two collections, at least: a disk that is full does not let an expired lease be forgotten."""


class Expiry:
    """Made on the event loop. ``run`` is a task of its own, which collects whenever a lease has expired, until it is cancelled."""

    def __init__(self, database: Database, collect: Callable[[], Awaitable[object]]) -> None:
        self._database, self._collect = database, collect
        self._change = asyncio.Event()

    def changed(self) -> None:
        """There is a lease that may expire before all others."""
        self._change.set()

    async def run(self) -> None:
        """Does not return."""
        while True:
            self._change.clear()
            expires = await self._database.read(table.next_expiry)
            if expires is not None and expires <= time.time_ns():
                await self._collect_now()
                await asyncio.sleep(_PAUSE)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._change.wait(), _seconds_until(expires))

    async def _collect_now(self) -> None:
        try:
            await self._collect()
        except (SupervisorError, OSError):
            _logger.exception("what an expired lease has kept is not collected yet")


def _seconds_until(expires: int | None) -> float | None:
    return None if expires is None else min(max(0.0, (expires - time.time_ns()) / 1e9), _LONGEST)
