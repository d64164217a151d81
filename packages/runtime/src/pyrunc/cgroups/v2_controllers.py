"""Controllers of cgroup version 2, in cgroupspy's style: cgroupspy itself knows version 1 only."""

# mypy: disable-error-code="misc"
# cgroupspy ships no types, so its classes are Any, and subclassing Any is all that "misc" finds here.

from __future__ import annotations

from cgroupspy.controllers import Controller
from cgroupspy.interfaces import FlagFile, IntegerFile

from pyrunc.cgroups.controller_files import Direct, Node, TextFile


class MaxFile(TextFile):
    """An integer or the word ``max``, which is -1 here, as in the specification."""

    def sanitize_get(self, value: str) -> int:
        """``max`` is -1."""
        return -1 if value == "max" else int(value)

    def sanitize_set(self, value: object) -> str:
        """-1 is ``max``."""
        return "max" if value == -1 else str(value)


class MemoryController(Direct, Controller):
    """memory.* (cgroup-v2.rst, Memory)."""

    max = MaxFile("memory.max")
    high = MaxFile("memory.high")
    low = MaxFile("memory.low")
    swap_max = MaxFile("memory.swap.max")
    current = IntegerFile("memory.current", readonly=True)


class CpuController(Direct, Controller):
    """cpu.* (cgroup-v2.rst, CPU)."""

    weight = IntegerFile("cpu.weight")
    idle = IntegerFile("cpu.idle")
    max = TextFile("cpu.max")
    max_burst = IntegerFile("cpu.max.burst")


class CpuSetController(Direct, Controller):
    """cpuset.* (cgroup-v2.rst, Cpuset)."""

    cpus = TextFile("cpuset.cpus")
    mems = TextFile("cpuset.mems")


class PidsController(Direct, Controller):
    """pids.* (cgroup-v2.rst, PID)."""

    max = TextFile("pids.max")
    current = IntegerFile("pids.current", readonly=True)


class IoController(Direct, Controller):
    """io.* (cgroup-v2.rst, IO)."""

    weight = TextFile("io.weight")
    bfq_weight = TextFile("io.bfq.weight")
    max = TextFile("io.max")


class CoreController(Direct, Controller):
    """cgroup.*: what every cgroup has (cgroup-v2.rst, Core Interface Files)."""

    freeze = FlagFile("cgroup.freeze")
    kill = FlagFile("cgroup.kill", writeonly=True)
    subtree_control = TextFile("cgroup.subtree_control")


class OtherController(Direct, Controller):
    """A controller of which only raw files are written: hugetlb, rdma, and what ``linux.resources.unified`` names."""


BY_NAME: dict[str, type[Direct]] = {
    "cgroup": CoreController,
    "cpu": CpuController,
    "cpuset": CpuSetController,
    "io": IoController,
    "memory": MemoryController,
    "pids": PidsController,
}


def controller(name: str, path: str) -> Direct:
    """The controller ``name`` of the cgroup in directory ``path``."""
    made: Direct = BY_NAME.get(name, OtherController)(Node(path.encode()))  # type: ignore[call-arg]
    return made
