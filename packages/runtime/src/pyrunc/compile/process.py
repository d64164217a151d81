"""process: limits, scheduling, the terminal, and finally the program itself."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.request import Request
from pyrunc.errors import SpecError
from pyrunc.plan import Operation
from pyrunc.spec import Process
from pyrunc.spec.process import DEFAULT_PATH

RLIMITS = {
    "RLIMIT_CPU": 0,
    "RLIMIT_FSIZE": 1,
    "RLIMIT_DATA": 2,
    "RLIMIT_STACK": 3,
    "RLIMIT_CORE": 4,
    "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6,
    "RLIMIT_NOFILE": 7,
    "RLIMIT_MEMLOCK": 8,
    "RLIMIT_AS": 9,
    "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11,
    "RLIMIT_MSGQUEUE": 12,
    "RLIMIT_NICE": 13,
    "RLIMIT_RTPRIO": 14,
    "RLIMIT_RTTIME": 15,
}
# The machines that number the limits in another way (asm/resource.h).
_MIPS = {"RLIMIT_NOFILE": 5, "RLIMIT_AS": 6, "RLIMIT_RSS": 7, "RLIMIT_NPROC": 8, "RLIMIT_MEMLOCK": 9}

_POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
_SCHEDULER_FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
_IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
_IO_CLASS_SHIFT = 13
_PERSONALITIES = {"LINUX": 0x0000, "LINUX32": 0x0008}
# linux/mempolicy.h
_MEMORY_MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
_MEMORY_FLAGS = {"MPOL_F_NUMA_BALANCING": 1 << 13, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_STATIC_NODES": 1 << 15}
_DEFAULT_UMASK = 0o022


def console(process: Process, *, bind_console: bool) -> Iterator[Operation]:
    """The terminal, if one is asked for. ``bind_console``: it is to be the container's /dev/console, too."""
    if process.terminal:
        size = process.console_size
        yield op.OpenConsole(
            path="process.terminal",
            rows=min(size.height, 0xFFFF) if size else 0,
            columns=min(size.width, 0xFFFF) if size else 0,
            uid=process.user.uid,
            bind_console=bind_console,
        )


def umask(process: Process) -> op.SetUmask:
    """The user's umask; 0022, as with runc, where none is given: the caller's own must not leak in."""
    mask = process.user.umask
    return op.SetUmask(path="process.user.umask", mask=_DEFAULT_UMASK if mask is None else mask)


def limits(request: Request) -> Iterator[Operation]:
    """Resource limits and the OOM killer's score, while there still are rights to raise them."""
    numbers = RLIMITS | _MIPS if request.facts.machine.startswith("mips") else RLIMITS
    for index, limit in enumerate(request.process.rlimits):
        path = f"process.rlimits[{index}]"
        if limit.type not in numbers:
            raise SpecError(f"{path}.type", f'unknown resource limit "{limit.type}"', limit.type)
        yield op.SetRlimit(path=path, resource=numbers[limit.type], soft=limit.soft, hard=limit.hard)
    score = request.process.oom_score_adj
    if score is not None:
        if not -1000 <= score <= 1000:
            raise SpecError("process.oomScoreAdj", f"expected an integer from -1000 to 1000, got {score}", score)
        yield op.WriteProc(path="process.oomScoreAdj", name="self/oom_score_adj", value=str(score))


def scheduling(request: Request) -> Iterator[Operation]:
    """Scheduler, input/output priority, memory policy and personality."""
    scheduler = request.process.scheduler
    if scheduler is not None:
        yield op.SetScheduler(
            path="process.scheduler",
            policy=_POLICIES[scheduler.policy],
            flags=sum({_SCHEDULER_FLAGS[flag] for flag in scheduler.flags}),
            nice=scheduler.nice,
            priority=scheduler.priority,
            runtime=scheduler.runtime,
            deadline=scheduler.deadline,
            period=scheduler.period,
        )
    yield from _io_priority(request.process)
    yield from _memory_policy(request)
    yield from _personality(request)


def _io_priority(process: Process) -> Iterator[Operation]:
    priority = process.io_priority
    if priority is None:
        return
    if not 0 <= priority.priority <= 7:
        raise SpecError("process.ioPriority.priority", f"expected an integer from 0 to 7, got {priority.priority}")
    value = _IO_CLASSES[priority.io_class] << _IO_CLASS_SHIFT | priority.priority
    yield op.SetIoPriority(path="process.ioPriority", value=value)


def _memory_policy(request: Request) -> Iterator[Operation]:
    policy = request.linux.memory_policy
    if policy is None:
        return
    nodes = parse_list(policy.nodes, "linux.memoryPolicy.nodes", "nodes") if policy.nodes.strip() else ()
    mode = _MEMORY_MODES[policy.mode] | sum({_MEMORY_FLAGS[flag] for flag in policy.flags})
    yield op.SetMemoryPolicy(path="linux.memoryPolicy", mode=mode, nodes=nodes)


def _personality(request: Request) -> Iterator[Operation]:
    personality = request.linux.personality
    if personality is None:
        return
    if personality.flags:
        raise SpecError("linux.personality.flags", "no flags are defined yet", personality.flags)
    yield op.SetPersonality(path="linux.personality", persona=_PERSONALITIES[personality.domain])


def parse_cpus(text: str, path: str) -> tuple[int, ...]:
    """``0-2,7`` → ``(0, 1, 2, 7)``, the kernel's list format."""
    return parse_list(text, path, "CPUs")


def parse_list(text: str, path: str, of: str) -> tuple[int, ...]:
    """The same for a list of anything, which the error names."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        numbers = (first, last if dash else first)
        if not all(number.isascii() and number.isdigit() and len(number) <= 5 for number in numbers):
            raise SpecError(path, f'expected a list of {of} such as 0-3,7, got "{text}"', text)
        start, end = int(numbers[0]), int(numbers[1])
        if end < start:
            raise SpecError(path, f"{part} ends before it starts", text)
        found.update(range(start, end + 1))
    return tuple(sorted(found))


def find_executable(process: Process) -> op.FindExecutable:
    """Look for the program now, so that ``create`` says that it is missing. Without a PATH the usual one is searched, as with crun."""
    path = process.variable("PATH")
    return op.FindExecutable(
        path="process.args[0]", name=process.args[0], search=DEFAULT_PATH if path is None else path
    )


def execute(process: Process) -> op.ExecVe:
    """The program. HOME is added where it is missing, as programs rely on it."""
    env = process.env
    if process.variable("HOME") is None:
        env = (*env, "HOME=/root" if process.user.uid == 0 else "HOME=/")
    return op.ExecVe(path="process.args", argv=process.args, env=env)
