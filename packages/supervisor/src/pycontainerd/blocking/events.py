"""Everything that happens, in order, resumable by cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pycontainerd.blocking.loop import LoopThread
from pycontainerd.events import events as asynchronous
from pycontainerd.events.event import Event
from pycontainerd.events.filter import EventFilter


class Events:
    """Get it from ``Supervisor.events``; see `pycontainerd.Events`."""

    def __init__(self, loop: LoopThread, events: asynchronous.Events) -> None:
        self._loop, self._events = loop, events

    def publish(self, type: str, action: str, actor: str, attributes: Mapping[str, str] | None = None) -> Event:
        """Record something that happened and is not itself a change of metadata."""
        return self._loop.call(self._events.publish(type, action, actor, attributes))

    def subscribe(self, *, since: int | None = None, wanted: EventFilter | None = None) -> Iterator[Event]:
        """Events with a cursor larger than ``since``, and then those to come; None: only those to come after this call."""
        return self.subscription(since=since, wanted=wanted)

    def subscription(self, *, since: int | None = None, wanted: EventFilter | None = None) -> Iterator[Event]:
        """The same: a subscription is in force when this returns."""
        found = self._loop.do(lambda: self._events.subscription(since=since, wanted=wanted))
        return self._loop.iterate(found)
