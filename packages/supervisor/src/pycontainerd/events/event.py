"""An event: one thing that happened, as a value."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pycontainerd.metadata.namespace import DEFAULT


@frozen(kw_only=True)
class Event:
    """``type`` and ``action`` are docker's words (``container`` ``start``; ``image`` ``import``), ``actor`` the id of what it happened to.

    ``cursor`` grows by at least one from event to event and is never reused; ``time_ns`` is CLOCK_REALTIME in nanoseconds.
    ``namespace`` is whose it is. ``attributes`` are docker's: for containers ``name``, ``image`` and the labels, plus ``exitCode``, ``signal``, ``execID``... where they apply.
    """

    type: str
    action: str
    actor: str
    attributes: Mapping[str, str] = field(factory=dict)
    time_ns: int = 0
    cursor: int = 0
    namespace: str = DEFAULT
