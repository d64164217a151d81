"""cgroupspy's controllers of version 1, with what they lack: newer files, and lists and names that it has wrong."""

# mypy: disable-error-code="misc"
# cgroupspy ships no types, so its classes are Any, and subclassing Any is all that "misc" finds here.

from __future__ import annotations

from cgroupspy import controllers as cgroupspy
from cgroupspy.interfaces import FlagFile, IntegerFile

from pyrunc.cgroups.controller_files import Direct, Node, TextFile


class CpuController(Direct, cgroupspy.CpuController):
    """Adds cpu.cfs_burst_us (Linux 5.14) and cpu.idle (5.15)."""

    cfs_burst_us = IntegerFile("cpu.cfs_burst_us")
    idle = IntegerFile("cpu.idle")


class CpuAcctController(Direct, cgroupspy.CpuAcctController):
    """Adds the split into user and system time in nanoseconds; cpuacct.stat has only hundredths of seconds."""

    usage_user = IntegerFile("cpuacct.usage_user", readonly=True)
    usage_sys = IntegerFile("cpuacct.usage_sys", readonly=True)


class CpuSetController(Direct, cgroupspy.CpuSetController):
    """Lists as text: cgroupspy refuses ``"0-1"``, and the specification gives lists in just this notation."""

    cpus = TextFile("cpuset.cpus")
    mems = TextFile("cpuset.mems")


class MemoryController(Direct, cgroupspy.MemoryController):
    """Adds the limit of TCP buffers."""

    kmem_tcp_limit_in_bytes = IntegerFile("memory.kmem.tcp.limit_in_bytes")
    oom_kill_disable = FlagFile("memory.oom_control", writeonly=True)
    oom_control = TextFile("memory.oom_control", readonly=True)


class DevicesController(Direct, cgroupspy.DevicesController):
    """Rules as the kernel writes them, many at a time."""

    allow = TextFile("devices.allow", writeonly=True)
    deny = TextFile("devices.deny", writeonly=True)


class BlkIOController(Direct, cgroupspy.BlkIOController):
    """The throttles, whose names cgroupspy has with a blank at the end, and the weights of the BFQ scheduler."""

    throttle_read_bps_device = TextFile("blkio.throttle.read_bps_device")
    throttle_read_iops_device = TextFile("blkio.throttle.read_iops_device")
    throttle_write_bps_device = TextFile("blkio.throttle.write_bps_device")
    throttle_write_iops_device = TextFile("blkio.throttle.write_iops_device")
    weight_device = TextFile("blkio.weight_device")
    leaf_weight_device = TextFile("blkio.leaf_weight_device")
    bfq_weight = IntegerFile("blkio.bfq.weight")
    bfq_weight_device = TextFile("blkio.bfq.weight_device")


class PidsController(Direct, cgroupspy.Controller):
    """Not in cgroupspy: pids.current, pids.max."""

    max = TextFile("pids.max")
    current = IntegerFile("pids.current", readonly=True)


class FreezerController(Direct, cgroupspy.Controller):
    """Not in cgroupspy: freezer.state is THAWED, FREEZING or FROZEN."""

    state = TextFile("freezer.state")


class NetClsController(Direct, cgroupspy.NetClsController):
    """net_cls.classid."""


class NetPrioController(Direct, cgroupspy.NetPrioController):
    """Priorities as lines of ``interface priority``."""

    ifpriomap = TextFile("net_prio.ifpriomap")


class OtherController(Direct, cgroupspy.Controller):
    """A controller of which only raw files are written: hugetlb, rdma."""


BY_NAME: dict[str, type[Direct]] = {
    "blkio": BlkIOController,
    "cpu": CpuController,
    "cpuacct": CpuAcctController,
    "cpuset": CpuSetController,
    "devices": DevicesController,
    "freezer": FreezerController,
    "memory": MemoryController,
    "net_cls": NetClsController,
    "net_prio": NetPrioController,
    "pids": PidsController,
}


def controller(name: str, path: str) -> Direct:
    """The controller ``name`` of the cgroup in directory ``path``."""
    made: Direct = BY_NAME.get(name, OtherController)(Node(path.encode()))  # type: ignore[call-arg]
    return made
