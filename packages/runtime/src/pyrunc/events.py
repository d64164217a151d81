"""What happens to a container while it runs: its numbers at intervals, and that its memory was used up."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Generator, Iterator

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.cgroups.oom import OomWatch
    from pyrunc.cgroups.stats import Stats


@frozen
class StatsEvent:
    """What the kernel has counted until now."""

    stats: Stats


@frozen
class OomEvent:
    """The memory limit was reached, and a process killed for it unless the specification forbids that. ``kills``: until now, which on v1 may
    not count this one yet."""

    kills: int


Event = StatsEvent | OomEvent


def watch(cgroup: Cgroup, ended: int, interval: float | None) -> Generator[Event, None, None]:
    """The events until ``ended`` is readable, a descriptor that is closed when this generator is. Raises CgroupError."""
    try:
        with cgroup.watch_oom() as oom:
            yield from _events(cgroup, oom, ended, interval)
    finally:
        os.close(ended)


def _events(cgroup: Cgroup, oom: OomWatch, ended: int, interval: float | None) -> Iterator[Event]:
    poll = select.poll()
    poll.register(oom.descriptor, oom.mask)
    poll.register(ended, select.POLLIN)
    due = None if interval is None else time.monotonic() + interval
    while True:
        ready = dict(poll.poll(None if due is None else max(0.0, due - time.monotonic()) * 1000))
        if oom.descriptor in ready and oom.collect():
            yield OomEvent(cgroup.oom_kills())
        if ended in ready:
            return
        if due is not None and interval is not None and time.monotonic() >= due:
            yield StatsEvent(cgroup.stats())
            due = time.monotonic() + interval
