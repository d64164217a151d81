"""Rules that no single field can check: parts of a specification that contradict each other, or the platform's own demands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from pyrunc.errors import SpecError
from pyrunc.spec.linux import Linux
from pyrunc.spec.mounts import IdMapping, Mount
from pyrunc.spec.process import Process
from pyrunc.spec.read import expected
from pyrunc.spec.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from pyrunc.spec.hooks import Hook, Hooks
    from pyrunc.spec.scheduling import Scheduler

    class Configuration(Protocol):
        """What is looked at of a Spec: its sections know nothing of each other, and the Spec is made of all of them."""

        @property
        def process(self) -> Process | None: ...
        @property
        def root(self) -> Root | None: ...
        @property
        def hostname(self) -> str: ...
        @property
        def domainname(self) -> str: ...
        @property
        def mounts(self) -> tuple[Mount, ...]: ...
        @property
        def hooks(self) -> Hooks | None: ...
        @property
        def linux(self) -> Linux | None: ...
        @property
        def annotations(self) -> Mapping[str, str]: ...


_NAME_MAX = 64
"""Bytes of the names of uname(2)."""


def check(spec: Configuration) -> None:
    """Raise SpecError for the first rule that ``spec`` breaks."""
    linux = spec.linux or Linux()
    _check_root(spec)
    if spec.process is not None:
        check_process(spec.process)
    _check_names(spec, linux)
    for index, mount in enumerate(spec.mounts):
        _check_mount(mount, f"mounts[{index}]")
    _check_hooks(spec)
    _check_namespaces(linux)
    _check_user_namespace(linux)
    if spec.process is not None:
        check_ids(spec.process, linux)
    _check_time(linux)
    _check_paths(linux)
    _check_devices(linux)
    _check_seccomp(linux)
    _check_memory_policy(linux)


def check_process(process: Process, path: str = "process") -> None:
    """The rules for a process alone; also those of one that is executed in a container that runs."""
    if not process.args:
        raise SpecError(f"{path}.args", "at least the program's name is required")
    _absolute(process.cwd, f"{path}.cwd")
    if process.user.umask is not None and process.user.umask > 0o777:
        raise expected("permission bits, at most 511 (0777)", process.user.umask, f"{path}.user.umask")
    seen: set[str] = set()
    for index, limit in enumerate(process.rlimits):
        where = f"{path}.rlimits[{index}]"
        if limit.type in seen:
            raise SpecError(f"{where}.type", f"{limit.type} is there twice", limit.type)
        if limit.soft > limit.hard:
            raise expected(f"at most the hard limit, {limit.hard}", limit.soft, f"{where}.soft")
        seen.add(limit.type)
    if process.scheduler is not None:
        _check_scheduler(process.scheduler, f"{path}.scheduler")


def _check_scheduler(scheduler: Scheduler, path: str) -> None:
    """What sched_setattr(2) would refuse or, worse, pass over."""
    deadline = scheduler.policy == "SCHED_DEADLINE"
    if not -20 <= scheduler.nice <= 19:
        raise expected("an integer from -20 to 19", scheduler.nice, f"{path}.nice")
    if scheduler.policy in {"SCHED_FIFO", "SCHED_RR"} and not 1 <= scheduler.priority <= 99:
        raise expected(f"an integer from 1 to 99 for {scheduler.policy}", scheduler.priority, f"{path}.priority")
    if scheduler.policy not in {"SCHED_FIFO", "SCHED_RR"} and scheduler.priority:
        raise expected(f"nothing: {scheduler.policy} has no priority", scheduler.priority, f"{path}.priority")
    for name in ("runtime", "deadline", "period"):
        if getattr(scheduler, name) and not deadline:
            raise expected(
                f"nothing: it is for SCHED_DEADLINE, not {scheduler.policy}", getattr(scheduler, name), f"{path}.{name}"
            )
    if deadline and not 0 < scheduler.runtime <= scheduler.deadline <= (scheduler.period or scheduler.deadline):
        raise SpecError(path, "SCHED_DEADLINE needs runtime <= deadline <= period, and a runtime above 0")


def check_ids(process: Process, linux: Linux, path: str = "process") -> None:
    """Users and groups have to be mapped where the user namespace is a new one, whose maps are known here."""
    if not linux.makes("user"):
        return
    user, uids, gids = process.user, linux.uid_mappings, linux.gid_mappings
    _check_mapped(user.uid, uids, f"{path}.user.uid", "linux.uidMappings")
    _check_mapped(user.gid, gids, f"{path}.user.gid", "linux.gidMappings")
    for index, gid in enumerate(user.additional_gids):
        _check_mapped(gid, gids, f"{path}.user.additionalGids[{index}]", "linux.gidMappings")


def _check_mapped(number: int, mappings: Iterable[IdMapping], path: str, where: str) -> None:
    if not any(mapping.container_id <= number < mapping.container_id + mapping.size for mapping in mappings):
        raise expected(f"an id that {where} maps", number, path)


def _absolute(value: str, path: str) -> None:
    if not value.startswith("/"):
        raise expected("an absolute path", value, path)


def _check_root(spec: Configuration) -> None:
    if spec.root is None:
        raise SpecError("root", "is required")
    if not spec.root.path:
        raise expected("a path", spec.root.path, "root.path")


def _check_names(spec: Configuration, linux: Linux) -> None:
    for name in ("hostname", "domainname"):
        if getattr(spec, name) and linux.namespace("uts") is None:
            raise SpecError(name, "needs a uts namespace in linux.namespaces: without one it would rename the host")
        if len(getattr(spec, name).encode("utf-8", "surrogateescape")) > _NAME_MAX:
            raise expected(f"at most {_NAME_MAX} bytes", getattr(spec, name), name)
    if "" in spec.annotations:
        raise SpecError("annotations", "a key must not be empty")


def _check_mount(mount: Mount, path: str) -> None:
    if not mount.destination:
        raise expected("a path", mount.destination, f"{path}.destination")
    if "remount" in mount.options:
        return
    if mount.is_bind and not mount.source:
        raise SpecError(f"{path}.source", "is required for a bind mount")
    if not mount.is_bind and not mount.type:
        raise SpecError(f"{path}.type", "is required, as this is not a bind mount")
    if bool(mount.uid_mappings) != bool(mount.gid_mappings):
        raise SpecError(path, "uidMappings and gidMappings go together: an idmapped mount maps both")
    if mount.uid_mappings and not mount.is_bind:
        raise SpecError(f"{path}.uidMappings", "only a bind mount can be idmapped")
    for name, mappings in (("uidMappings", mount.uid_mappings), ("gidMappings", mount.gid_mappings)):
        _check_mappings(mappings, f"{path}.{name}")


def _check_hooks(spec: Configuration) -> None:
    if spec.hooks is None:
        return
    for attribute, name, _, _ in spec.hooks.members():
        hooks: tuple[Hook, ...] = getattr(spec.hooks, attribute)
        for index, hook in enumerate(hooks):
            _absolute(hook.path, f"hooks.{name}[{index}].path")


def _check_namespaces(linux: Linux) -> None:
    seen: set[str] = set()
    for index, namespace in enumerate(linux.namespaces):
        where = f"linux.namespaces[{index}]"
        if namespace.type in seen:
            raise SpecError(f"{where}.type", f"{namespace.type} is there twice", namespace.type)
        if namespace.path:
            _absolute(namespace.path, f"{where}.path")
        seen.add(namespace.type)
    _check_net_devices(linux)
    if linux.net_devices and "network" not in seen:
        raise SpecError("linux.netDevices", "needs a network namespace in linux.namespaces")


def _check_net_devices(linux: Linux) -> None:
    inside: set[str] = set()
    for name, device in linux.net_devices.items():
        _check_device_name(name, f"linux.netDevices.{name}")
        _check_device_name(device.name or name, f"linux.netDevices.{name}.name")
        if "%d" not in device.name and (device.name or name) in inside:
            raise SpecError(f"linux.netDevices.{name}.name", f"{device.name or name} is there twice", device.name)
        inside.add(device.name or name)


def _check_device_name(name: str, path: str) -> None:
    """As the kernel has it (dev_valid_name)."""
    bad = not 0 < len(name.encode("utf-8", "surrogateescape")) < 16 or name in {".", ".."}
    if bad or any(character in "/:" or character.isspace() for character in name):
        raise expected("the name of a network device, 1 to 15 bytes without space, / or :", name, path)


def _check_user_namespace(linux: Linux) -> None:
    mappings = {"uidMappings": linux.uid_mappings, "gidMappings": linux.gid_mappings}
    for name, ranges in mappings.items():
        if ranges and linux.namespace("user") is None:
            raise SpecError(f"linux.{name}", "needs a user namespace in linux.namespaces")
        if not ranges and linux.makes("user"):
            raise SpecError(f"linux.{name}", "is required, because linux.namespaces has a new user namespace")
        _check_mappings(ranges, f"linux.{name}")


def _check_mappings(mappings: Sequence[IdMapping], path: str) -> None:
    for index, mapping in enumerate(mappings):
        if mapping.size == 0:
            raise expected("at least 1", mapping.size, f"{path}[{index}].size")
        if max(mapping.container_id, mapping.host_id) + mapping.size > 2**32:
            raise expected("a range that ends below 2**32", mapping.size, f"{path}[{index}].size")

    for kind in ("container_id", "host_id"):
        ranges = sorted((getattr(mapping, kind), mapping.size) for mapping in mappings)
        for (first, size), (following, _) in pairwise(ranges):
            if first + size > following:
                raise SpecError(path, f"{following} is mapped twice: its ranges overlap")


def _check_time(linux: Linux) -> None:
    if linux.time_offsets is not None and not linux.makes("time"):
        raise SpecError(
            "linux.timeOffsets", "needs a new time namespace in linux.namespaces: offsets are fixed once it is in use"
        )


def _check_paths(linux: Linux) -> None:
    for name, paths in (("maskedPaths", linux.masked_paths), ("readonlyPaths", linux.readonly_paths)):
        for index, path in enumerate(paths):
            _absolute(path, f"linux.{name}[{index}]")


def _check_devices(linux: Linux) -> None:
    for index, device in enumerate(linux.devices):
        where = f"linux.devices[{index}]"
        _absolute(device.path, f"{where}.path")
        for name, number, most in (("major", device.major, 2**12 - 1), ("minor", device.minor, 2**20 - 1)):
            if device.type != "p" and not 0 <= number <= most:
                raise expected(f"a device number from 0 to {most}", number, f"{where}.{name}")


def _check_seccomp(linux: Linux) -> None:
    seccomp = linux.seccomp
    if seccomp is None:
        return
    if seccomp.notifies and not seccomp.listener_path:
        raise SpecError("linux.seccomp.listenerPath", "is required, because an action is SCMP_ACT_NOTIFY")
    if not seccomp.notifies and (seccomp.listener_path or seccomp.listener_metadata):
        raise SpecError("linux.seccomp.listenerPath", "is for SCMP_ACT_NOTIFY, which no action is")
    if seccomp.default_action == "SCMP_ACT_NOTIFY":
        raise SpecError(
            "linux.seccomp.defaultAction", "must not be SCMP_ACT_NOTIFY: the listener could never be handed over"
        )
    for index, syscall in enumerate(seccomp.syscalls):
        # The runtime itself still writes after the filter is loaded, while nobody listens yet. runc refuses the same.
        if syscall.action == "SCMP_ACT_NOTIFY" and "write" in syscall.names:
            raise SpecError(
                f"linux.seccomp.syscalls[{index}]", "SCMP_ACT_NOTIFY cannot be used for the system call write"
            )


def _check_memory_policy(linux: Linux) -> None:
    """Which modes go with nodes (set_mempolicy(2))."""
    policy = linux.memory_policy
    if policy is None:
        return
    nodes = bool(policy.nodes.strip())
    if policy.mode in {"MPOL_DEFAULT", "MPOL_LOCAL"} and (nodes or policy.flags):
        raise SpecError("linux.memoryPolicy", f"{policy.mode} takes neither nodes nor flags")
    if policy.mode not in {"MPOL_DEFAULT", "MPOL_LOCAL", "MPOL_PREFERRED"} and not nodes:
        raise SpecError("linux.memoryPolicy.nodes", f"is required for {policy.mode}")
    if {"MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"} <= set(policy.flags):
        raise SpecError("linux.memoryPolicy.flags", "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other")
