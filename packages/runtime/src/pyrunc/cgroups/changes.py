"""Limits that are changed, and those in force: pure functions of ``linux.resources``.

What a change does not name stays. Named is what has a value: not None, not empty and not 0, which says "as it is" for all limits of the
specification but those few for which 0 is a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyrunc.model import evolve, fields
from pyrunc.spec.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrunc.spec.resources import Resources

_ZERO_MEANS = frozenset({"swappiness", "idle", "class_id"})
_BY_DEVICE = ("major", "minor")
_KEYS = {"hugepage_limits": ("page_size",), "priorities": ("name",)}
"""What tells the members of a list apart; those of all others are devices."""


def merged(before: Resources | None, changes: Resources) -> Resources:
    """The limits in force once ``changes`` has been written over ``before``. Device rules are those of ``before``: no change touches them."""
    if before is None:
        return evolve(changes, devices=())
    found: Resources = _merged(before, changes)
    return evolve(found, devices=before.devices)


def completed(before: Resources | None, changes: Resources) -> Resources:
    """``changes`` with those limits of ``before`` that the kernel, or systemd, wants to hear together with what is changed:

    quota and period are one value there, and a limit of memory and swap together means nothing without that of memory.
    """
    if before is None:
        return changes
    cpu, memory = changes.cpu, changes.memory
    if cpu is not None and before.cpu is not None and (cpu.quota or cpu.period):
        cpu = evolve(cpu, quota=cpu.quota or before.cpu.quota, period=cpu.period or before.cpu.period)
    if memory is not None and before.memory is not None and memory.swap:
        memory = evolve(memory, limit=memory.limit or before.memory.limit)
    return evolve(changes, cpu=cpu, memory=memory)


def _merged(before: Any, changes: Section) -> Any:
    """Two sections of one kind, member by member."""
    new: dict[str, object] = {}
    for attribute in fields(changes):
        old, value = getattr(before, attribute.name), getattr(changes, attribute.name)
        if value in (None, "", (), {}) or (value == 0 and attribute.name not in _ZERO_MEANS):
            continue
        if isinstance(value, Section) and old is not None:
            value = _merged(old, value)
        elif isinstance(value, tuple):
            value = _merged_list(old, value, _KEYS.get(attribute.name, _BY_DEVICE))
        elif isinstance(value, dict):
            value = {**old, **value}
        new[attribute.name] = value
    return evolve(before, **new)


def _merged_list(old: Iterable[Any], new: Iterable[Any], key: tuple[str, ...]) -> tuple[Any, ...]:
    """A member with the same key takes the old one's place."""
    found = {tuple(getattr(member, name) for name in key): member for member in (*old, *new)}
    return tuple(found.values())
