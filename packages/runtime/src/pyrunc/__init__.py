"""pyrunc: an OCI container runtime as a library. A specification is compiled to a Plan, and a small C program executes it.

    import pyrunc

    runtime = pyrunc.Runtime("/run/pyrunc")
    container = runtime.create("web", "/bundles/web", stdio=pyrunc.Stdio.null())
    container.start()
    print(container.wait().code)
    container.delete()

Importing this package imports nothing else of it: each name below is loaded when it is first used. The compiler and the printer of
plans are used by their own modules' names: ``from pyrunc.compile import compile``, ``from pyrunc.explain import explain``.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from pyrunc.abilities import Features, SeccompFeatures, features
    from pyrunc.cgroups.stats import (
        BlkioEntry,
        BlkioStats,
        CpusetStats,
        CpuStats,
        HugetlbStats,
        MemoryCounter,
        MemoryStats,
        PidsStats,
        Stats,
    )
    from pyrunc.compile import Compiled
    from pyrunc.compile.root_mount import RootMount
    from pyrunc.container import Container
    from pyrunc.criu.options import CheckpointOptions, RestoreOptions
    from pyrunc.errors import (
        CgroupError,
        ContainerExists,
        ContainerNotFound,
        CriuFailed,
        ExecNotFound,
        ExecutableNotFound,
        ExecutableNotPermitted,
        HookFailed,
        InvalidId,
        InvalidState,
        LaunchFailed,
        MissingLibrary,
        OperationFailed,
        ProcessGone,
        PyruncError,
        SpecError,
        StateError,
        Unsupported,
        UsageError,
    )
    from pyrunc.events import Event, OomEvent, StatsEvent
    from pyrunc.execs import ExecProcess
    from pyrunc.facts import Facts
    from pyrunc.plan import Plan
    from pyrunc.processes import ExitStatus
    from pyrunc.runtime import Runtime
    from pyrunc.slots import user_namespace
    from pyrunc.spec import (
        BlockIo,
        Capabilities,
        ConsoleSize,
        Cpu,
        Device,
        DeviceRule,
        Hook,
        Hooks,
        HugepageLimit,
        IdMapping,
        Linux,
        Memory,
        Mount,
        Namespace,
        Pids,
        Process,
        Resources,
        Rlimit,
        Root,
        Seccomp,
        Spec,
        ThrottleDevice,
        User,
        WeightDevice,
    )
    from pyrunc.state import State
    from pyrunc.status import Status
    from pyrunc.stdio import Stdio, Streams

_HOMES = {
    "cgroups.stats": (
        "BlkioEntry",
        "BlkioStats",
        "CpusetStats",
        "CpuStats",
        "HugetlbStats",
        "MemoryCounter",
        "MemoryStats",
        "PidsStats",
        "Stats",
    ),
    "compile": ("Compiled",),
    "compile.root_mount": ("RootMount",),
    "container": ("Container",),
    "errors": (
        "CgroupError",
        "ContainerExists",
        "ContainerNotFound",
        "CriuFailed",
        "ExecNotFound",
        "ExecutableNotFound",
        "ExecutableNotPermitted",
        "HookFailed",
        "InvalidId",
        "InvalidState",
        "LaunchFailed",
        "MissingLibrary",
        "OperationFailed",
        "ProcessGone",
        "PyruncError",
        "SpecError",
        "StateError",
        "Unsupported",
        "UsageError",
    ),
    "execs": ("ExecProcess",),
    "facts": ("Facts",),
    "plan": ("Plan",),
    "processes": ("ExitStatus",),
    "runtime": ("Runtime",),
    "spec": (
        "BlockIo",
        "Capabilities",
        "ConsoleSize",
        "Cpu",
        "Device",
        "DeviceRule",
        "Hook",
        "Hooks",
        "HugepageLimit",
        "IdMapping",
        "Linux",
        "Memory",
        "Mount",
        "Namespace",
        "Pids",
        "Process",
        "Resources",
        "Rlimit",
        "Root",
        "Seccomp",
        "Spec",
        "ThrottleDevice",
        "User",
        "WeightDevice",
    ),
    "state": ("State",),
    "status": ("Status",),
    "slots": ("user_namespace",),
    "stdio": ("Stdio", "Streams"),
    "events": (
        "Event",
        "OomEvent",
        "StatsEvent",
    ),
    "abilities": (
        "Features",
        "features",
        "SeccompFeatures",
    ),
    "criu.options": (
        "CheckpointOptions",
        "RestoreOptions",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BlkioEntry",
    "BlkioStats",
    "BlockIo",
    "Capabilities",
    "CgroupError",
    "CheckpointOptions",
    "Compiled",
    "ConsoleSize",
    "Container",
    "ContainerExists",
    "ContainerNotFound",
    "Cpu",
    "CpuStats",
    "CpusetStats",
    "CriuFailed",
    "Device",
    "DeviceRule",
    "Event",
    "ExecNotFound",
    "ExecProcess",
    "ExecutableNotFound",
    "ExecutableNotPermitted",
    "ExitStatus",
    "Facts",
    "Features",
    "Hook",
    "HookFailed",
    "Hooks",
    "HugepageLimit",
    "HugetlbStats",
    "IdMapping",
    "InvalidId",
    "InvalidState",
    "LaunchFailed",
    "Linux",
    "Memory",
    "MemoryCounter",
    "MemoryStats",
    "MissingLibrary",
    "Mount",
    "Namespace",
    "OomEvent",
    "OperationFailed",
    "Pids",
    "PidsStats",
    "Plan",
    "Process",
    "ProcessGone",
    "PyruncError",
    "Resources",
    "RestoreOptions",
    "Rlimit",
    "Root",
    "RootMount",
    "Runtime",
    "Seccomp",
    "SeccompFeatures",
    "Spec",
    "SpecError",
    "State",
    "StateError",
    "Stats",
    "StatsEvent",
    "Status",
    "Stdio",
    "Streams",
    "ThrottleDevice",
    "Unsupported",
    "UsageError",
    "User",
    "WeightDevice",
    "features",
    "user_namespace",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(__import__(f"{__name__}.{home}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
