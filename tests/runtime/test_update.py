"""Container.update on the real kernel: what changes, what stays, and that a refused change changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pyrunc
from pyrunc import Container, Cpu, Memory, Pids, Resources, Runtime, Stdio
from pyrunc.facts import Facts
from tests.runtime.conftest import Bundle
from tests.runtime.test_limits import MIB, limited, read

V2 = Facts.probe().cgroup_mode == "v2"
"""Version 1 limits memory and swap together, version 2 swap alone."""


@pytest.fixture
def container(runtime: Runtime, bundle: Bundle) -> Iterator[Container]:
    memory, cpu = Memory(limit=64 * MIB, swap=64 * MIB), Cpu(quota=50_000, period=100_000)
    spec = limited(bundle.spec("sleep", "60"), memory=memory, cpu=cpu, pids=Pids(limit=17))
    made = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    made.start()
    yield made
    made.delete(force=True)


def memory_limits(container: Container) -> tuple[int | None, int | None]:
    """Memory, and memory and swap together."""
    found = container.stats().memory
    swap = found.swap_limit
    return found.limit, (found.limit or 0) + swap if V2 and swap is not None else swap


def quota(container: Container) -> str:
    if V2:
        return read(container.pid, "cpu", "", "cpu.max")
    return " ".join(read(container.pid, "cpu", f"cpu.cfs_{name}_us", "") for name in ("quota", "period"))


@pytest.mark.parametrize(
    ("limit", "swap"), [(96, 128), (32, 32), (32, 64), (64, 200), (128, 128)], ids=["both", "down", "one", "swap", "up"]
)
def test_memory_and_swap_in_the_order_that_the_kernel_takes(container: Container, limit: int, swap: int) -> None:
    container.update(Resources(memory=Memory(limit=limit * MIB, swap=swap * MIB)))
    assert memory_limits(container) == (limit * MIB, swap * MIB)
    container.update(Resources(memory=Memory(limit=64 * MIB, swap=64 * MIB)))
    assert memory_limits(container) == (64 * MIB, 64 * MIB)


def test_no_limit_any_more(container: Container) -> None:
    container.update(Resources(memory=Memory(limit=-1)))
    assert memory_limits(container) == (None, None)


def test_swap_alone_means_beside_the_memory_of_before(container: Container) -> None:
    container.update(Resources(memory=Memory(swap=96 * MIB)))
    assert memory_limits(container) == (64 * MIB, 96 * MIB)
    container.update(Resources(memory=Memory(limit=96 * MIB)))
    assert container.stats().memory.limit == 96 * MIB


def test_period_and_quota_one_at_a_time(container: Container) -> None:
    container.update(Resources(cpu=Cpu(period=50_000)))
    assert quota(container) == "50000 50000"
    container.update(Resources(cpu=Cpu(quota=20_000)))
    assert quota(container) == "20000 50000"
    container.update(Resources(cpu=Cpu(burst=10_000)))
    container.update(Resources(cpu=Cpu(quota=5_000, burst=5_000)))
    assert quota(container) == "5000 50000"
    container.update(Resources(cpu=Cpu(quota=-1)))
    assert quota(container) == ("max 50000" if V2 else "-1 50000")


def test_later_calls_know_of_it(runtime: Runtime, container: Container) -> None:
    devices = container.spec().linux.resources.devices  # type: ignore[union-attr]
    container.update(Resources(memory=Memory(limit=32 * MIB), pids=Pids(limit=30)))
    resources = runtime.get("web").spec().linux.resources  # type: ignore[union-attr]
    assert resources is not None
    assert resources.memory == Memory(limit=32 * MIB, swap=64 * MIB)
    assert (resources.pids, resources.devices) == (Pids(limit=30), devices)
    assert resources.cpu == Cpu(quota=50_000, period=100_000)


def test_a_refused_change_changes_nothing(runtime: Runtime, container: Container) -> None:
    before = container.spec()
    wanted = Resources(
        memory=Memory(limit=128 * MIB, swap=256 * MIB), cpu=Cpu(shares=77, cpus="4095"), pids=Pids(limit=3)
    )
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.resources\.cpu\.cpus: '4095' was refused"):
        container.update(wanted)
    assert memory_limits(container) == (64 * MIB, 64 * MIB)
    assert read(container.pid, "cpu", "cpu.shares", "cpu.weight") == ("100" if V2 else "1024")
    assert container.stats().pids.limit == 17
    assert runtime.get("web").spec() == before


def test_more_memory_than_with_swap(container: Container) -> None:
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.resources\.memory\."):
        container.update(Resources(memory=Memory(limit=128 * MIB, swap=96 * MIB)))
    assert memory_limits(container) == (64 * MIB, 64 * MIB)


def test_not_of_a_stopped_one(container: Container) -> None:
    container.kill("KILL")
    container.wait(10)
    with pytest.raises(pyrunc.InvalidState, match="cannot update container 'web': it is stopped"):
        container.update(Resources(pids=Pids(limit=3)))
