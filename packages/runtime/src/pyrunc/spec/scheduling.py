"""``process.scheduler``, ``process.ioPriority`` and ``process.execCPUAffinity``: how the process competes for the machine."""

from __future__ import annotations

from typing import Literal

from pyrunc.model import field, frozen
from pyrunc.spec.read import INT32, STRING, UINT64, each, of, one_of
from pyrunc.spec.section import Section

Policy = Literal["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"]
SchedulerFlag = Literal[
    "SCHED_FLAG_RESET_ON_FORK",
    "SCHED_FLAG_RECLAIM",
    "SCHED_FLAG_DL_OVERRUN",
    "SCHED_FLAG_KEEP_POLICY",
    "SCHED_FLAG_KEEP_PARAMS",
    "SCHED_FLAG_UTIL_CLAMP_MIN",
    "SCHED_FLAG_UTIL_CLAMP_MAX",
]
IoClass = Literal["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]


@frozen(kw_only=True, eq=False, repr=False)
class Scheduler(Section):
    """The arguments of sched_setattr(2); times in nanoseconds."""

    policy: Policy = field(metadata=of(one_of(*Policy.__args__)))  # type: ignore[attr-defined]
    nice: int = field(default=0, metadata=INT32)
    priority: int = field(default=0, metadata=INT32)
    flags: tuple[SchedulerFlag, ...] = field(
        default=(),
        metadata=of(each(one_of(*SchedulerFlag.__args__))),  # type: ignore[attr-defined]
    )
    runtime: int = field(default=0, metadata=UINT64)
    deadline: int = field(default=0, metadata=UINT64)
    period: int = field(default=0, metadata=UINT64)


@frozen(kw_only=True, eq=False, repr=False)
class IoPriority(Section):
    """The arguments of ioprio_set(2); ``priority`` is 0 (highest) to 7."""

    io_class: IoClass = field(metadata=of(one_of(*IoClass.__args__), "class"))  # type: ignore[attr-defined]
    priority: int = field(default=0, metadata=INT32)


@frozen(kw_only=True, eq=False, repr=False)
class ExecCpuAffinity(Section):
    """CPU lists (``0-3,7``) for a process that joins the container: before and after it enters the cgroup."""

    initial: str = field(default="", metadata=STRING)
    final: str = field(default="", metadata=STRING)
