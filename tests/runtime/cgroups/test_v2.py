"""Cgroup version 2. Its core (freezing, killing, devices) on a real cgroup2 mount; limits, whose controllers version 1 may hold on this
machine, in a directory that looks like one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrunc import BlockIo, CgroupError, Cpu, DeviceRule, HugepageLimit, Memory, Pids, Resources, ThrottleDevice
from pyrunc.cgroups import device_program, devices
from pyrunc.cgroups.v2 import CgroupV2
from pyrunc.facts import Facts
from tests.support.run import RUN

UNIFIED = Facts.probe().unified

# -- limits, in a directory of plain files --------------------------------------------------------------------------------------------

FILES = (
    *("memory.max", "memory.swap.max", "memory.low", "memory.current", "memory.events", "memory.stat", "memory.peak"),
    *(
        "memory.swap.current",
        "cpu.max",
        "cpu.max.burst",
        "cpu.weight",
        "cpu.idle",
        "cpu.stat",
        "cpuset.cpus",
        "cpuset.mems",
    ),
    *("pids.max", "pids.current", "io.max", "io.weight", "io.stat", "hugetlb.2MB.max", "memory.high"),
)


@pytest.fixture
def fake(tmp_path: Path) -> CgroupV2:
    """A cgroup with all controllers, made of files."""
    directory = tmp_path / "web"
    directory.mkdir()
    for name in FILES:
        (directory / name).touch()
    return CgroupV2(str(tmp_path), "/web")


def written(fake: CgroupV2) -> dict[str, str]:
    contents = {name: Path(fake.directory, name).read_text().strip() for name in FILES}
    return {name: content for name, content in contents.items() if content}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (Resources(memory=Memory(limit=1 << 26)), {"memory.max": "67108864"}),
        (Resources(memory=Memory(limit=-1)), {"memory.max": "max", "memory.swap.max": "max"}),
        (Resources(memory=Memory(limit=1000, swap=3000)), {"memory.max": "1000", "memory.swap.max": "2000"}),
        (Resources(memory=Memory(limit=1000, swap=-1)), {"memory.max": "1000", "memory.swap.max": "max"}),
        (Resources(memory=Memory(reservation=5)), {"memory.low": "5"}),
        (Resources(cpu=Cpu(quota=50_000, period=100_000)), {"cpu.max": "50000 100000"}),
        (Resources(cpu=Cpu(quota=-1, period=100_000)), {"cpu.max": "max 100000"}),
        (Resources(cpu=Cpu(shares=1024)), {"cpu.weight": "100"}),
        (Resources(cpu=Cpu(shares=2)), {"cpu.weight": "1"}),
        (Resources(cpu=Cpu(shares=262_144)), {"cpu.weight": "10000"}),
        (Resources(cpu=Cpu(cpus="0-1", mems="0")), {"cpuset.cpus": "0-1", "cpuset.mems": "0"}),
        (Resources(cpu=Cpu(idle=1, burst=500)), {"cpu.idle": "1", "cpu.max.burst": "500"}),
        (Resources(pids=Pids(limit=9)), {"pids.max": "9"}),
        (Resources(pids=Pids(limit=-1)), {"pids.max": "max"}),
        (Resources(block_io=BlockIo(weight=500)), {"io.weight": "4950"}),
        (
            Resources(block_io=BlockIo(throttle_read_bps_device=(ThrottleDevice(major=8, minor=0, rate=77),))),
            {"io.max": "8:0 rbps=77"},
        ),
        (Resources(hugepage_limits=(HugepageLimit(page_size="2MB", limit=4),)), {"hugetlb.2MB.max": "4"}),
        (Resources(unified={"memory.high": "123"}), {"memory.high": "123"}),
    ],
)
def test_values(fake: CgroupV2, resources: Resources, expected: dict[str, str]) -> None:
    fake.update(resources)
    assert written(fake) == expected


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        (Resources(memory=Memory(swappiness=3)), "memory.swappiness"),
        (Resources(memory=Memory(disable_oom_killer=True)), "memory.disableOOMKiller"),
        (Resources(memory=Memory(kernel_tcp=3)), "memory.kernelTCP"),
        (Resources(cpu=Cpu(realtime_runtime=3)), "cpu.realtimeRuntime"),
        (Resources(block_io=BlockIo(leaf_weight=100)), "blockIO.leafWeight"),
        (Resources(unified={"../../x": "1"}), "unified.../../x"),
    ],
)
def test_what_version_2_cannot_do_is_an_error(fake: CgroupV2, resources: Resources, field: str) -> None:
    with pytest.raises(CgroupError) as caught:
        fake.update(resources)
    assert caught.value.field == f"linux.resources.{field}"
    assert written(fake) == {}


def test_a_controller_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    with pytest.raises(
        CgroupError, match=r"linux\.resources\.pids\.limit: the cgroup controller pids is not available"
    ):
        CgroupV2(str(tmp_path), "/web").update(Resources(pids=Pids(limit=3)))


def test_statistics(fake: CgroupV2) -> None:
    texts = {
        "cpu.stat": "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 1\nthrottled_usec 4\n",
        "memory.current": "100\n",
        "memory.max": "max\n",
        "memory.events": "low 0\noom 2\noom_kill 1\n",
        "memory.stat": "anon 60\nfile 40\n",
        "pids.current": "3\n",
        "pids.max": "9\n",
    }
    for name, text in texts.items():
        Path(fake.directory, name).write_text(text)
    stats = fake.stats()
    assert (stats.cpu.total_ns, stats.cpu.user_ns, stats.cpu.throttled_periods) == (5000, 3000, 1)
    assert (stats.memory.usage, stats.pids.current, stats.pids.limit) == (100, 3, 9)
    assert fake.oom_kills() == 1


# -- the core, on a real mount --------------------------------------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[CgroupV2]:
    assert UNIFIED, "this machine has no cgroup2 mount; every supported kernel can have one"
    made = CgroupV2(UNIFIED.mountpoint, f"/pyrunc-{RUN.name[:12]}/deep/web")
    made.prepare()
    yield made
    made.kill(9)
    made.remove()
    assert not Path(UNIFIED.mountpoint, f"pyrunc-{RUN.name[:12]}").exists(), "its parents were made for it"


def join(cgroup: CgroupV2, *command: str) -> subprocess.Popen[bytes]:
    entered = ["sh", "-c", 'echo 0 >"$0" && exec "$@"', f"{cgroup.directory}/cgroup.procs", *command]
    return subprocess.Popen(entered, stderr=subprocess.PIPE)


def wait_for(cgroup: CgroupV2, count: int) -> list[int]:
    deadline = time.monotonic() + 5
    while len(cgroup.processes()) != count and time.monotonic() < deadline:
        time.sleep(0.01)
    return cgroup.processes()


def test_freeze_thaw_kill(real: CgroupV2) -> None:
    with join(real, "sleep", "60") as process:
        assert wait_for(real, 1) == [process.pid]
        assert not real.frozen()
        real.freeze()
        assert real.frozen()
        real.thaw()
        assert not real.frozen()
        real.kill(9)
        assert process.wait(5) == -9
    assert real.processes() == []


def test_processes_of_cgroups_below(real: CgroupV2) -> None:
    below = CgroupV2(real.mountpoint, f"{real.path}/inner")
    below.prepare()
    with join(below, "sleep", "60") as process:
        wait_for(below, 1)
        assert real.processes() == [process.pid]
        real.kill(9)
        process.wait(5)


def test_a_cgroup_in_use_is_not_taken(real: CgroupV2) -> None:
    with join(real, "sleep", "60") as process:
        wait_for(real, 1)
        with pytest.raises(CgroupError, match="has processes in it"):
            CgroupV2(real.mountpoint, real.path).prepare()
        process.kill()


def test_what_is_in_use_is_not_removed(real: CgroupV2) -> None:
    with join(real, "sleep", "60") as process:
        wait_for(real, 1)
        with pytest.raises(CgroupError, match="could not be removed"):
            real.remove(patience=0.05)
        process.kill()


def allowed(real: CgroupV2, script: str) -> tuple[int, str]:
    with join(real, "sh", "-c", script) as process:
        _, errors = process.communicate(timeout=10)
        return process.returncode, errors.decode()


def test_device_rules_are_a_program_of_the_kernel(real: CgroupV2) -> None:
    rules = Resources(
        devices=(
            DeviceRule(allow=False, access="rwm"),
            DeviceRule(allow=True, type="c", major=1, minor=11, access="w"),  # /dev/kmsg
        )
    )
    assert allowed(real, "exec 3</dev/kmsg")[0] == 0, "no program yet"
    real.limit(rules)
    assert allowed(real, "exec 3>/dev/kmsg") == (0, "")
    code, errors = allowed(real, "exec 3</dev/kmsg")
    assert code != 0
    assert "Operation not permitted" in errors
    assert allowed(real, "exec 3</dev/zero 4>/dev/null; exec 5</dev/urandom") == (0, ""), "the usual ones always are"


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (DeviceRule(allow=True, access="rwm"),),
        (DeviceRule(allow=False, access="rwm"),),
        (DeviceRule(allow=False, access="rwm"), DeviceRule(allow=True, type="b", major=8, access="r")),
        tuple(DeviceRule(allow=bool(i % 2), type="c", major=i, minor=i, access="rw"[: 1 + i % 2]) for i in range(200)),
    ],
    ids=["none", "all", "nothing", "partial", "many"],
)
def test_the_kernel_takes_every_program(real: CgroupV2, rules: tuple[DeviceRule, ...]) -> None:
    program = device_program.assemble(devices.rules(Resources(devices=rules)))
    place = real.open_directory()
    try:
        device_program.attach(program, place)
    finally:
        os.close(place)


def test_a_program_that_the_kernel_refuses(real: CgroupV2) -> None:
    place = real.open_directory()
    try:
        with pytest.raises(CgroupError, match=r"linux\.resources\.devices: the device program .* could not be loaded"):
            device_program.attach(b"\0" * 8, place)
    finally:
        os.close(place)


def test_delegation_reaches_the_cgroup(real: CgroupV2) -> None:
    """Whatever controllers this mount has are passed on down to the container's cgroup."""
    available = set(Path(real.mountpoint, "cgroup.controllers").read_text().split())
    assert set(Path(real.directory, "cgroup.controllers").read_text().split()) == available
