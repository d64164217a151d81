"""Events as the supervisor's users see them: publish and subscribe."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial

from pycontainerd.errors import CursorNotFound
from pycontainerd.events import log
from pycontainerd.events.event import Event
from pycontainerd.events.filter import EventFilter
from pycontainerd.metadata.database import Database
from pycontainerd.metadata.namespace import DEFAULT

_BATCH = 500


class Events:
    """An event is written in the same transaction as the change it tells of; subscribers read the table, so that none can be missed,
    doubled or out of order, however slow they are.

    Who writes down the cursor of each event that he has dealt with, and subscribes with ``since`` when he comes back, goes on with the next one,
    whatever was killed meanwhile. The newest 50,000 events are kept, those of all namespaces together: who was away for longer, or is
    slower than that, is told so by CursorNotFound.
    """

    def __init__(self, database: Database, namespace: str = DEFAULT) -> None:
        self._database, self._namespace = database, namespace
        self._subscribers: weakref.WeakSet[asyncio.Event] = weakref.WeakSet()
        self._closed = False

    async def publish(self, type: str, action: str, actor: str, attributes: Mapping[str, str] | None = None) -> Event:
        """Record something that happened and is not itself a change of metadata."""
        event = Event(namespace=self._namespace, type=type, action=action, actor=actor, attributes=attributes or {})
        stored = await self._database.write(lambda connection: log.append(connection, event))
        self.announce()
        return stored

    def announce(self) -> None:
        """Wake the subscribers: a transaction with events was committed."""
        for waiting in self._subscribers:
            waiting.set()

    async def subscribe(self, *, since: int | None = None, wanted: EventFilter | None = None) -> AsyncIterator[Event]:
        """Events with a cursor larger than ``since``, and then those to come; None: only those to come; 0: all that are kept.

        Raises CursorNotFound where ``since`` is not 0 and events after it are forgotten, or it is none of this store. A filter with ``since_ns`` looks back by time instead; one with ``until_ns`` ends the iteration at that time.
        """
        async with contextlib.aclosing(self.subscription(since=since, wanted=wanted)) as events:
            async for event in events:
                yield event

    def subscription(
        self, *, since: int | None = None, wanted: EventFilter | None = None
    ) -> AsyncGenerator[Event, None]:
        """``subscribe`` that is in force when this returns, and not when the iteration begins. End it with ``aclose``."""
        wanted = wanted or EventFilter()
        waiting = asyncio.Event()
        self._subscribers.add(waiting)
        if since is None and wanted.since_ns is not None:
            since = 0
        start = self._database.read_now(log.last) if since is None else since
        return self._follow(waiting, start, wanted)

    def close(self) -> None:
        """End all subscriptions after what is there already."""
        self._closed = True
        self.announce()

    async def _follow(self, waiting: asyncio.Event, cursor: int, wanted: EventFilter) -> AsyncGenerator[Event, None]:
        while True:
            waiting.clear()
            closed = self._closed
            page = await self._database.read(partial(log.page, namespace=self._namespace, cursor=cursor, limit=_BATCH))
            if cursor and not page.forgotten <= cursor <= page.reached:
                raise CursorNotFound(cursor, page.forgotten)
            cursor = page.reached
            for event in page.events:
                if wanted.until_ns is not None and event.time_ns > wanted.until_ns:
                    return
                if wanted.wants(event):
                    yield event
            if not page.events and (closed or not await _woken(waiting, wanted.until_ns)):
                return


async def _woken(waiting: asyncio.Event, until_ns: int | None) -> bool:
    timeout = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
    if timeout is not None and timeout <= 0:
        return False
    try:
        await asyncio.wait_for(waiting.wait(), timeout)
    except TimeoutError:
        return False
    return True
