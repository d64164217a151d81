"""linux.resources: each limit as the container reads it in its own cgroup, or the error that names the field where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

import pyrunc
from pyrunc import Facts, Runtime, Spec, Stdio
from pyrunc.spec import (
    BlockIo,
    Cpu,
    HugepageLimit,
    InterfacePriority,
    Memory,
    Network,
    Pids,
    Rdma,
    Resources,
    ThrottleDevice,
    WeightDevice,
)
from tests.runtime.fields.conftest import Inside, linux
from tests.support.run import RUN

MIB = 1 << 20
UNIFIED = Facts.probe().cgroup_mode == "v2"


@frozen
class Case:
    """``field`` of the resources; where it is read with version 1 (controller, file) and with version 2, and what is found there."""

    field: str
    resources: Resources
    v1: tuple[str, str, str]
    v2: tuple[str, str] | None = None


_MAJOR, _MINOR = (
    int(number)
    for number in Path("/sys/block")
    .joinpath(next(p.name for p in Path("/sys/block").iterdir() if p.name.startswith(("vd", "sd", "nvme"))))
    .joinpath("dev")
    .read_text()
    .split(":")
)
DISK = f"{_MAJOR}:{_MINOR}"
RATE = (ThrottleDevice(major=_MAJOR, minor=_MINOR, rate=MIB),)

CASES = [
    Case(
        "memory.limit",
        Resources(memory=Memory(limit=64 * MIB)),
        ("memory", "memory.limit_in_bytes", str(64 * MIB)),
        ("memory.max", str(64 * MIB)),
    ),
    Case(
        "memory.reservation",
        Resources(memory=Memory(reservation=32 * MIB)),
        ("memory", "memory.soft_limit_in_bytes", str(32 * MIB)),
        ("memory.low", str(32 * MIB)),
    ),
    Case(
        "memory.swap",
        Resources(memory=Memory(limit=64 * MIB, swap=96 * MIB)),
        ("memory", "memory.memsw.limit_in_bytes", str(96 * MIB)),
        ("memory.swap.max", str(32 * MIB)),
    ),
    Case(
        "memory.kernelTCP",
        Resources(memory=Memory(kernel_tcp=8 * MIB)),
        ("memory", "memory.kmem.tcp.limit_in_bytes", str(8 * MIB)),
    ),
    Case("memory.swappiness", Resources(memory=Memory(swappiness=7)), ("memory", "memory.swappiness", "7")),
    Case(
        "memory.disableOOMKiller",
        Resources(memory=Memory(disable_oom_killer=True)),
        ("memory", "memory.oom_control", "oom_kill_disable 1"),
    ),
    Case("cpu.shares", Resources(cpu=Cpu(shares=512)), ("cpu", "cpu.shares", "512"), ("cpu.weight", "")),
    Case(
        "cpu.quota",
        Resources(cpu=Cpu(quota=20000, period=50000)),
        ("cpu", "cpu.cfs_quota_us", "20000"),
        ("cpu.max", "20000 50000"),
    ),
    Case(
        "cpu.period",
        Resources(cpu=Cpu(quota=20000, period=50000)),
        ("cpu", "cpu.cfs_period_us", "50000"),
        ("cpu.max", "20000 50000"),
    ),
    Case(
        "cpu.burst",
        Resources(cpu=Cpu(quota=20000, period=50000, burst=10000)),
        ("cpu", "cpu.cfs_burst_us", "10000"),
        ("cpu.max.burst", "10000"),
    ),
    Case("cpu.idle", Resources(cpu=Cpu(idle=1)), ("cpu", "cpu.idle", "1"), ("cpu.idle", "1")),
    Case("cpu.realtimeRuntime", Resources(cpu=Cpu(realtime_runtime=3000)), ("cpu", "cpu.rt_runtime_us", "3000")),
    Case("cpu.realtimePeriod", Resources(cpu=Cpu(realtime_period=500000)), ("cpu", "cpu.rt_period_us", "500000")),
    Case("cpu.cpus", Resources(cpu=Cpu(cpus="0")), ("cpuset", "cpuset.cpus", "0"), ("cpuset.cpus", "0")),
    Case("cpu.mems", Resources(cpu=Cpu(mems="0")), ("cpuset", "cpuset.mems", "0"), ("cpuset.mems", "0")),
    Case("pids.limit", Resources(pids=Pids(limit=50)), ("pids", "pids.max", "50"), ("pids.max", "50")),
    Case(
        "blockIO.throttleReadBpsDevice",
        Resources(block_io=BlockIo(throttle_read_bps_device=RATE)),
        ("blkio", "blkio.throttle.read_bps_device", f"{DISK} {MIB}"),
        ("io.max", f"rbps={MIB}"),
    ),
    Case(
        "blockIO.throttleWriteBpsDevice",
        Resources(block_io=BlockIo(throttle_write_bps_device=RATE)),
        ("blkio", "blkio.throttle.write_bps_device", f"{DISK} {MIB}"),
        ("io.max", f"wbps={MIB}"),
    ),
    Case(
        "blockIO.throttleReadIOPSDevice",
        Resources(block_io=BlockIo(throttle_read_iops_device=RATE)),
        ("blkio", "blkio.throttle.read_iops_device", f"{DISK} {MIB}"),
        ("io.max", f"riops={MIB}"),
    ),
    Case(
        "blockIO.throttleWriteIOPSDevice",
        Resources(block_io=BlockIo(throttle_write_iops_device=RATE)),
        ("blkio", "blkio.throttle.write_iops_device", f"{DISK} {MIB}"),
        ("io.max", f"wiops={MIB}"),
    ),
]


def limited(resources: Resources) -> Callable[[Spec], Spec]:
    """In a cgroup right below the root: real time is only shared out from there."""
    return linux(resources=resources, cgroups_path=f"/pyrunc-{RUN.name[:12]}-limits")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.field)
def test_a_limit_is_in_force(runtime: Runtime, inside: Inside, case: Case) -> None:
    if UNIFIED and case.v2 is None:
        refused(runtime, inside, case.resources, case.field)
        return
    file, value = f"{case.v1[0]}/{case.v1[1]}", case.v1[2]
    if UNIFIED:
        assert case.v2 is not None
        file, value = case.v2
    assert value in inside(f"say(read('/sys/fs/cgroup/{file}'))", limited(case.resources))


def refused(runtime: Runtime, inside: Inside, resources: Resources, field: str) -> None:
    spec = limited(resources)(inside.spec("say(1)"))
    with pytest.raises((pyrunc.CgroupError, pyrunc.Unsupported, pyrunc.SpecError)) as caught:
        runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    assert str(caught.value).startswith(f"linux.resources.{field}"), caught.value
    assert runtime.ids() == []


def has(controller: str) -> bool:
    return Facts.probe().hierarchy(controller) is not None


@pytest.mark.parametrize(
    ("controller", "field", "resources"),
    [
        ("net_cls", "network.classID", Resources(network=Network(class_id=0x100001))),
        (
            "net_prio",
            "network.priorities",
            Resources(network=Network(priorities=(InterfacePriority(name="lo", priority=5),))),
        ),
        ("rdma", "rdma", Resources(rdma={"mlx5_1": Rdma(hca_handles=3)})),
        ("nosuch", "hugepageLimits", Resources(hugepage_limits=(HugepageLimit(page_size="3MB", limit=5),))),
        ("bfq", "blockIO.leafWeight", Resources(block_io=BlockIo(leaf_weight=100))),
        (
            "bfq",
            "blockIO.weightDevice",
            Resources(block_io=BlockIo(weight_device=(WeightDevice(major=_MAJOR, minor=_MINOR, weight=10),))),
        ),
        ("nosuch", "unified.no.such", Resources(unified={"no.such": "1"})),
        ("nosuch", "unified.../escape", Resources(unified={"../escape": "1"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_this_machine_has_not_got_is_named(
    runtime: Runtime, inside: Inside, controller: str, field: str, resources: Resources
) -> None:
    if has(controller):
        pytest.skip(f"this machine has {controller}")
    refused(runtime, inside, resources, field)


def test_weight_among_those_who_use_a_disk(inside: Inside) -> None:
    """In the file of whichever scheduler is there."""
    code = """
from glob import glob
say([read(file) for file in glob("/sys/fs/cgroup/io*.weight") + glob("/sys/fs/cgroup/blkio/blkio*.weight")])
"""
    found = inside(code, limited(Resources(block_io=BlockIo(weight=321))))
    assert any("321" in text or (UNIFIED and text.split()[-1] not in ("100", "default")) for text in found), found


def test_kernel_memory_is_accepted_without_effect_as_by_runc(inside: Inside) -> None:
    """Deprecated by the specification, gone from the kernel."""
    memory = Memory(kernel=64 * MIB, use_hierarchy=True, check_before_update=True)
    assert inside("say(1)", limited(Resources(memory=memory))) == 1
