"""The event stream of a client: the supervisor's subscription through the client's filters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pycontainerd.events.event import Event
from pycontainerd.events.filter import EventFilter
from pydockerd.engine import Engine
from pydockerd.filters import Filters
from pydockerd.views.events import wanted


def events(engine: Engine, filters: Filters, *, since_ns: int | None, until_ns: int | None) -> AsyncGenerator[Event]:
    """In force when this returns. Ends at ``until_ns``, if there is one."""
    subscription = engine.supervisor.events.subscription(wanted=EventFilter(since_ns=since_ns, until_ns=until_ns))
    return _matching(engine, subscription, filters)


async def _matching(engine: Engine, subscription: AsyncIterator[Event], filters: Filters) -> AsyncGenerator[Event]:
    engine.event_listeners += 1
    try:
        async for event in subscription:
            if wanted(event, filters):
                yield event
    finally:
        engine.event_listeners -= 1
        if isinstance(subscription, AsyncGenerator):
            await subscription.aclose()
