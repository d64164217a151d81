"""ContainerConfig → Spec: what dockerd would write into config.json for the same options.

A pure function: everything that has to be looked up - the user's ids in the container's own files, nodes of the host, pids of other
containers - is in ``Surroundings``, which the task that starts the container collects.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from pycontainerd.containers.config import ContainerConfig, ExecConfig, Ulimit
from pycontainerd.containers.environment import merge
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci import hooks, mounts, namespaces, resources, seccomp
from pycontainerd.oci.capabilities import effective
from pycontainerd.oci.devices import HostDevice
from pycontainerd.oci.environment import environment
from pycontainerd.oci.users import Account
from pyrunc import spec as oci

if TYPE_CHECKING:
    from pyrunc.spec.linux import Propagation

_NO_LIMIT = 2**64 - 1
_RLIMITS = (
    *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss"),
    *("rtprio", "rttime", "sigpending", "stack"),
)


@frozen(kw_only=True)
class Surroundings:
    """What the configuration alone does not say. ``capabilities`` are the ones the supervisor has; ``shared_pids`` are by namespace."""

    hostname: str
    account: Account
    cgroups_path: str
    capabilities: tuple[str, ...]
    devices: tuple[HostDevice, ...] = ()
    block_devices: Mapping[str, tuple[int, int]] = field(factory=dict)
    etc_files: Mapping[str, Path] = field(factory=dict)
    shared_pids: Mapping[str, int] = field(factory=dict)
    console_size: tuple[int, int] | None = None


def command(config: ContainerConfig) -> tuple[str, ...]:
    """Entrypoint and args as one; InvalidConfig when that is nothing."""
    entrypoint = config.entrypoint if config.entrypoint and config.entrypoint != ("",) else ()
    whole = (*entrypoint, *(config.args or ()))
    if not whole:
        raise InvalidConfig("args", "no command specified")
    return whole


def build(config: ContainerConfig, around: Surroundings) -> oci.Spec:
    """The whole specification; the root itself comes from the snapshot's mounts. InvalidConfig names what cannot be."""
    private_uts = config.uts == "private"
    return oci.Spec(
        oci_version=oci.OCI_VERSION,
        hostname=around.hostname if private_uts else "",
        domainname=(config.domainname or "") if private_uts else "",
        root=oci.Root(path="rootfs", readonly=config.read_only),
        process=process(config, around),
        mounts=mounts.all_mounts(config, dict(around.etc_files), shm_source=_shm_source(config, around)),
        annotations=dict(config.annotations),
        hooks=hooks.hooks(config.hooks),
        linux=_linux(config, around),
    )


def process(config: ContainerConfig, around: Surroundings) -> oci.Process:
    """The container's first process."""
    return oci.Process(
        terminal=config.terminal,
        console_size=_console(around.console_size),
        user=_user(around.account),
        args=command(config),
        env=environment(config.env, hostname=around.hostname, home=around.account.home, terminal=config.terminal),
        cwd=config.cwd or "/",
        capabilities=_capabilities(config, around.capabilities),
        rlimits=tuple(_rlimit(ulimit) for ulimit in config.ulimits),
        no_new_privileges=config.no_new_privileges,
        oom_score_adj=config.oom_score_adj or None,
        apparmor_profile=config.apparmor or "",
        selinux_label=config.selinux_label or "",
    )


def exec_process(config: ContainerConfig, wanted: ExecConfig, around: Surroundings) -> oci.Process:
    """A further process: the container's own rights and environment, with what ``wanted`` says instead."""
    whole = process(config, around)
    env = environment(
        merge(config.env, wanted.env), hostname=around.hostname, home=around.account.home, terminal=wanted.terminal
    )
    return oci.Process(
        terminal=wanted.terminal,
        console_size=_console(around.console_size),
        user=whole.user,
        args=wanted.args,
        env=env,
        cwd=wanted.cwd or config.cwd or "/",
        capabilities=_all(around.capabilities) if wanted.privileged else whole.capabilities,
        rlimits=whole.rlimits,
        no_new_privileges=config.no_new_privileges,
        oom_score_adj=whole.oom_score_adj,
        apparmor_profile="unconfined" if wanted.privileged and config.apparmor else whole.apparmor_profile,
        selinux_label=whole.selinux_label,
    )


def _linux(config: ContainerConfig, around: Surroundings) -> oci.Linux:
    capabilities = _capabilities(config, around.capabilities).bounding
    return oci.Linux(
        namespaces=namespaces.namespaces(config, around.shared_pids),
        uid_mappings=namespaces.mapped(config.uid_mappings),
        gid_mappings=namespaces.mapped(config.gid_mappings),
        devices=tuple(_device(device) for device in around.devices),
        cgroups_path=around.cgroups_path,
        resources=resources.resources(config, around.devices, around.block_devices),
        sysctl=dict(config.sysctls),
        seccomp=seccomp.filter_for(config, capabilities),
        masked_paths=_paths(config.masked_paths, mounts.MASKED_PATHS, config.privileged),
        readonly_paths=_paths(config.readonly_paths, mounts.READONLY_PATHS, config.privileged),
        rootfs_propagation=_propagation(config),
        mount_label=config.selinux_mount_label or "",
        time_offsets=_clocks(config.clock_offset),
    )


def _clocks(offset: float) -> oci.TimeOffsets | None:
    if not offset:
        return None
    seconds, nanoseconds = divmod(round(offset * 10**9), 10**9)
    clock = oci.TimeOffset(secs=seconds, nanosecs=nanoseconds)
    return oci.TimeOffsets(monotonic=clock, boottime=clock)


def _paths(chosen: tuple[str, ...] | None, default: tuple[str, ...], privileged: bool) -> tuple[str, ...]:
    if chosen is not None:
        return chosen
    return () if privileged else default


def _propagation(config: ContainerConfig) -> Propagation:
    """A shared or slave bind mount needs a root that lets propagation through, as dockerd arranges."""
    words = {word for mount in config.mounts for word in mount.options}
    if words & {"shared", "rshared"}:
        return "shared"
    return "rslave" if words & {"slave", "rslave"} else ""


def _shm_source(config: ContainerConfig, around: Surroundings) -> str | None:
    if config.ipc == "host":
        return "/dev/shm"  # noqa: S108 - the host's own, which is what is asked for
    if "ipc" in around.shared_pids:
        return f"/proc/{around.shared_pids['ipc']}/root/dev/shm"
    return None


def _capabilities(config: ContainerConfig, available: tuple[str, ...]) -> oci.Capabilities:
    return _all(effective(add=config.cap_add, drop=config.cap_drop, privileged=config.privileged, available=available))


def _all(names: tuple[str, ...]) -> oci.Capabilities:
    """As dockerd: nothing inheritable or ambient, so that only root keeps what it has over execve (CVE-2022-24769)."""
    return oci.Capabilities(bounding=names, effective=names, permitted=names)


def _user(account: Account) -> oci.User:
    return oci.User(uid=account.uid, gid=account.gid, additional_gids=account.groups)


def _console(size: tuple[int, int] | None) -> oci.ConsoleSize | None:
    return oci.ConsoleSize(height=size[0], width=size[1]) if size and all(size) else None


def _rlimit(ulimit: Ulimit) -> oci.Rlimit:
    if ulimit.name not in _RLIMITS:
        raise InvalidConfig("ulimits", f"invalid ulimit type: {ulimit.name}")
    soft, hard = (_NO_LIMIT if value == -1 else value for value in (ulimit.soft, ulimit.hard))
    if soft > hard:
        raise InvalidConfig("ulimits", f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return oci.Rlimit(type=f"RLIMIT_{ulimit.name.upper()}", soft=soft, hard=hard)


def _device(device: HostDevice) -> oci.Device:
    return oci.Device(
        path=device.path,
        type=device.type,
        major=device.major,
        minor=device.minor,
        file_mode=device.mode,
        uid=device.uid,
        gid=device.gid,
    )
