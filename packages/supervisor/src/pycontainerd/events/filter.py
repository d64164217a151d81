"""Which events a subscriber wants."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pycontainerd.events.event import Event


@frozen(kw_only=True)
class EventFilter:
    """An event passes when for each set that is not empty it matches one member. Times (nanoseconds) are inclusive.

    ``actors`` are ids, id prefixes of 12 or more digits, or names. ``actions`` match their first word, so that ``exec_start`` finds
    ``exec_start: sh``. ``labels`` map to a value, or to None for any value.
    """

    types: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    labels: Mapping[str, str | None] = field(factory=dict)
    since_ns: int | None = None
    until_ns: int | None = None

    def wants(self, event: Event) -> bool:
        """Whether ``event`` passes."""
        return (
            (self.since_ns is None or event.time_ns >= self.since_ns)
            and (self.until_ns is None or event.time_ns <= self.until_ns)
            and (not self.types or event.type in self.types)
            and (not self.actions or event.action.split(":")[0] in self.actions)
            and (not self.actors or self._names(event))
            and (not self.images or event.attributes.get("image") in self.images)
            and all(self._has_label(event, key, value) for key, value in self.labels.items())
        )

    def _names(self, event: Event) -> bool:
        name = event.attributes.get("name")
        return any(
            actor in {event.actor, name} or (len(actor) >= 12 and event.actor.startswith(actor))
            for actor in self.actors
        )

    @staticmethod
    def _has_label(event: Event, key: str, value: str | None) -> bool:
        return key in event.attributes and value in {None, event.attributes[key]}
