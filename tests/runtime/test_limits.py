"""Limits on the real kernel: read back from the cgroup, and felt by the container."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Cpu, Memory, Pids, Resources, Runtime, Spec, Stdio
from pyrunc.facts import Facts
from tests.runtime.conftest import Bundle, Outcome

MIB = 1 << 20
V2 = Facts.probe().cgroup_mode == "v2"


def limited(spec: Spec, **limits: object) -> Spec:
    assert spec.linux
    assert spec.linux.resources
    return spec.with_linux(resources=evolve(spec.linux.resources, **limits))  # type: ignore[arg-type]


def read(pid: int, controller: str, v1: str, v2: str) -> str:
    """The file of the cgroup that the process is in."""
    hierarchy = Facts.probe().hierarchy(controller)
    assert hierarchy
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, name, place = line.split(":", 2)
        if name == hierarchy.name:
            return Path(f"{hierarchy.mountpoint}{place}", v2 if hierarchy.is_v2 else v1).read_text().strip()
    raise AssertionError(f"{pid} is in no cgroup of {controller}")


def test_they_are_in_force_before_the_first_process(runtime: Runtime, bundle: Bundle) -> None:
    cpu = Cpu(quota=50_000, period=100_000, shares=512)
    spec = limited(bundle.spec("sleep", "60"), memory=Memory(limit=64 * MIB), cpu=cpu, pids=Pids(limit=17))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    assert read(container.pid, "memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)
    assert read(container.pid, "pids", "pids.max", "pids.max") == "17"
    if V2:
        assert read(container.pid, "cpu", "", "cpu.max") == "50000 100000"
    else:
        assert read(container.pid, "cpu", "cpu.cfs_quota_us", "") == "50000"
        assert read(container.pid, "cpu", "cpu.cfs_period_us", "") == "100000"
        assert read(container.pid, "cpu", "cpu.shares", "") == "512"
    container.delete()


def test_they_are_changed_while_it_runs(runtime: Runtime, bundle: Bundle) -> None:
    spec = limited(bundle.spec("sleep", "60"), memory=Memory(limit=64 * MIB), pids=Pids(limit=17))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    container.update(Resources(memory=Memory(limit=96 * MIB)))
    assert read(container.pid, "memory", "memory.limit_in_bytes", "memory.max") == str(96 * MIB)
    assert read(container.pid, "pids", "pids.max", "pids.max") == "17", "what was not named stays"
    container.delete(force=True)


def test_too_many_processes(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    spec = limited(bundle.spec("for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all"), pids=Pids(limit=4))
    _, output, errors = outcome(spec)
    assert "all" not in output
    assert "can't fork: Resource temporarily unavailable" in errors


def test_too_much_memory(runtime: Runtime, bundle: Bundle) -> None:
    """The kernel kills, and the container's end says so."""
    hungry = "dd if=/dev/zero of=/dev/null bs=96M count=1"
    memory = Memory(limit=16 * MIB, swap=16 * MIB)
    spec = limited(bundle.spec(f"exec {hungry}"), memory=memory)
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    ended = container.wait(30)
    assert (ended.signal, ended.code, ended.oom_killed) == (9, 137, True)
    container.delete()


def test_a_kill_is_no_oom(runtime: Runtime, bundle: Bundle) -> None:
    spec = limited(bundle.spec("sleep", "60"), memory=Memory(limit=16 * MIB))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    container.kill("KILL")
    assert container.wait(10).oom_killed is False
    container.delete()


def test_half_a_processor(runtime: Runtime, bundle: Bundle) -> None:
    """Two busy loops get a fifth of one processor."""
    loop = "while :; do :; done"
    spec = limited(bundle.spec(f"({loop}) & {loop}"), cpu=Cpu(quota=20_000, period=100_000))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    before, begun = container.stats().cpu.total_ns, time.monotonic_ns()
    time.sleep(1)
    used, passed = container.stats().cpu.total_ns - before, time.monotonic_ns() - begun
    container.delete(force=True)
    assert used / passed < 0.35
    assert used > 0


def test_what_it_has_used(runtime: Runtime, bundle: Bundle) -> None:
    spec = limited(bundle.spec("sleep 60 & sleep 60"), memory=Memory(limit=64 * MIB), pids=Pids(limit=17))
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    stats = container.stats()
    assert 0 < stats.memory.usage < 64 * MIB
    assert stats.memory.limit == 64 * MIB
    assert 1 <= stats.pids.current <= 3
    assert stats.pids.limit == 17
    container.delete(force=True)


def test_devices_that_are_not_allowed(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    spec = bundle.spec("mknod /dev/mem c 1 1; cat /dev/mem; echo x >/dev/null && head -c 3 /dev/zero | wc -c")
    spec = spec.with_process(capabilities=pyrunc.Capabilities())
    code, output, errors = outcome(spec)
    assert (code, output) == (0, "3\n")
    assert "Operation not permitted" in errors


def test_a_limit_that_the_kernel_refuses(runtime: Runtime, bundle: Bundle) -> None:
    spec = limited(bundle.spec("true"), cpu=Cpu(cpus="4095"))
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.resources\.cpu\.cpus"):
        runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null())
    assert runtime.ids() == []


def test_without_cgroups_no_limit_is_forgotten(tmp_path: Path, bundle: Bundle) -> None:
    runtime = Runtime(tmp_path / "state", cgroup_manager="disabled")
    with pytest.raises(
        pyrunc.CgroupError, match=r"linux\.resources\.pids\.limit: cannot be limited: cgroups are disabled"
    ):
        runtime.create("web", bundle.path, spec=limited(bundle.spec("true"), pids=Pids(limit=3)), stdio=Stdio.null())
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    container.start()
    assert container.wait(10).code == 0
    container.delete()


def test_the_container_sees_its_own_cgroup_as_the_root(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    _, output, _ = outcome(bundle.spec("cat /proc/self/cgroup; ls /sys/fs/cgroup"))
    places = [line.split(":", 2)[2] for line in output.splitlines() if line.count(":") >= 2]
    assert places
    assert set(places) == {"/"}
