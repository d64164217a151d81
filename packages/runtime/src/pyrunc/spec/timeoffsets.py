"""``linux.timeOffsets``: clocks of a time namespace (time_namespaces(7))."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import INT64, integer, of
from pyrunc.spec.section import Section, section


@frozen(kw_only=True, eq=False, repr=False)
class TimeOffset(Section):
    """Seconds (may be negative) and nanoseconds added to a clock."""

    secs: int = field(default=0, metadata=INT64)
    nanosecs: int = field(default=0, metadata=of(integer(0, 999_999_999)))


@frozen(kw_only=True, eq=False, repr=False)
class TimeOffsets(Section):
    """The two clocks that a time namespace has of its own."""

    monotonic: TimeOffset | None = field(default=None, metadata=section(TimeOffset))
    boottime: TimeOffset | None = field(default=None, metadata=section(TimeOffset))
