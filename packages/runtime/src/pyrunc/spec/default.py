"""The parts of the specification that ``pyrunc spec`` prints, and that tests and library users start from."""

from __future__ import annotations

from pyrunc.model import evolve
from pyrunc.spec.linux import Linux, Namespace
from pyrunc.spec.mounts import IdMapping, Mount
from pyrunc.spec.process import DEFAULT_PATH, Capabilities, Process, Rlimit
from pyrunc.spec.resources import DeviceRule, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec.linux import NamespaceType


# What of /proc and /sys tells of, or reaches, the machine rather than the container. The same lists as runc's and docker's.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")


def default_mounts() -> tuple[Mount, ...]:
    """/proc, /dev and what is in it, /sys, and the container's view of its cgroups."""
    safe = ("nosuid", "noexec", "nodev")
    return (
        Mount(destination="/proc", type="proc", source="proc", options=safe),
        Mount(
            destination="/dev",
            type="tmpfs",
            source="tmpfs",
            options=("nosuid", "strictatime", "mode=755", "size=65536k"),
        ),
        Mount(
            destination="/dev/pts",
            type="devpts",
            source="devpts",
            options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        ),
        Mount(destination="/dev/shm", type="tmpfs", source="shm", options=(*safe, "mode=1777", "size=65536k")),  # noqa: S108
        Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=safe),
        Mount(destination="/sys", type="sysfs", source="sysfs", options=(*safe, "ro")),
        Mount(destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=(*safe, "relatime", "ro")),
    )


def default_process() -> Process:
    """A shell with a terminal and few capabilities."""
    return Process(
        terminal=True,
        args=("sh",),
        env=(f"PATH={DEFAULT_PATH}", "TERM=xterm"),
        cwd="/",
        capabilities=Capabilities(bounding=_CAPABILITIES, effective=_CAPABILITIES, permitted=_CAPABILITIES),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", hard=1024, soft=1024),),
        no_new_privileges=True,
    )


def default_linux() -> Linux:
    """Namespaces of its own except user and time, no devices but the usual ones, nothing of the machine in /proc and /sys."""
    return Linux(
        resources=Resources(devices=(DeviceRule(allow=False, access="rwm"),)),
        namespaces=_namespaces("pid", "network", "ipc", "uts", "mount", "cgroup"),
        masked_paths=MASKED_PATHS,
        readonly_paths=READONLY_PATHS,
    )


def rootless_mounts() -> tuple[Mount, ...]:
    """default_mounts without what the kernel refuses to a user: a sysfs of the host's network, and groups that are not mapped."""
    system = Mount(destination="/sys", type="none", source="/sys", options=("rbind", "nosuid", "noexec", "nodev", "ro"))
    return tuple(system if mount.destination == "/sys" else _without_groups(mount) for mount in default_mounts())


def _without_groups(mount: Mount) -> Mount:
    return evolve(mount, options=tuple(option for option in mount.options if not option.startswith("gid=")))


def rootless_linux(uid: int, gid: int) -> Linux:
    """default_linux in a user namespace whose root is user ``uid``: on the host's network, without limits."""
    return Linux(
        uid_mappings=(IdMapping(container_id=0, host_id=uid, size=1),),
        gid_mappings=(IdMapping(container_id=0, host_id=gid, size=1),),
        namespaces=_namespaces("pid", "ipc", "uts", "mount", "cgroup", "user"),
        masked_paths=MASKED_PATHS,
        readonly_paths=READONLY_PATHS,
    )


def _namespaces(*kinds: NamespaceType) -> tuple[Namespace, ...]:
    return tuple(Namespace(type=kind) for kind in kinds)
