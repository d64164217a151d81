"""Container.events and stats on the real kernel: memory that is used up, numbers at intervals, and an end."""

from __future__ import annotations

import os

import pytest

import pyrunc
from pyrunc import Container, Cpu, Memory, OomEvent, Resources, Runtime, StatsEvent, Stdio
from tests.runtime.conftest import Bundle
from tests.runtime.test_limits import MIB, limited

HUNGRY = "dd if=/dev/zero of=/dev/null bs=96M count=1"


def started(runtime: Runtime, bundle: Bundle, script: str) -> Container:
    spec = limited(bundle.spec(script), memory=Memory(limit=16 * MIB, swap=16 * MIB), cpu=Cpu(cpus="0", mems="0"))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    return container


def test_memory_that_is_used_up(runtime: Runtime, bundle: Bundle) -> None:
    container = started(runtime, bundle, f"sleep 0.3; {HUNGRY}; sleep 0.3; true")
    events = list(container.events())
    assert events
    assert all(isinstance(event, OomEvent) for event in events)
    assert {event.kills for event in events if isinstance(event, OomEvent)} <= {0, 1}  # v1 tells of it before it counts
    ended = container.wait(10)
    assert (ended.code, ended.oom_killed) == (0, True)
    container.delete()


def test_numbers_at_intervals_until_it_ends(runtime: Runtime, bundle: Bundle) -> None:
    container = started(runtime, bundle, "sleep 60; true")
    events = container.events(0.02)
    found = [next(events) for _ in range(3)]
    assert all(isinstance(event, StatsEvent) and event.stats.memory.usage > 0 for event in found)
    container.kill("KILL")
    assert len(list(events)) < 50
    container.wait(10)
    with pytest.raises(pyrunc.InvalidState, match="cannot watch the events of container 'web': it is stopped"):
        container.events()
    container.delete()


def test_an_iterator_that_is_dropped_holds_nothing(runtime: Runtime, bundle: Bundle) -> None:
    container = started(runtime, bundle, "sleep 60; true")
    before = len(os.listdir("/proc/self/fd"))
    events = container.events(0.01)
    next(events)
    events.close()
    assert len(os.listdir("/proc/self/fd")) == before
    container.delete(force=True)


def test_no_interval_of_nothing(runtime: Runtime, bundle: Bundle) -> None:
    container = started(runtime, bundle, "sleep 60; true")
    with pytest.raises(ValueError, match="above 0"):
        container.events(0)
    container.delete(force=True)


def test_where_it_may_run(runtime: Runtime, bundle: Bundle) -> None:
    container = started(runtime, bundle, "sleep 60; true")
    assert (container.stats().cpuset.cpus, container.stats().cpuset.mems) == ((0,), (0,))
    container.update(Resources(cpu=Cpu(cpus="0-1")))
    assert container.stats().cpuset.cpus == (0, 1)
    container.delete(force=True)
