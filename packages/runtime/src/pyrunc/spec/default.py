"""The specification that ``pyrunc spec`` prints, and that tests and library users start from."""

from __future__ import annotations

from pyrunc.spec.config import OCI_VERSION, Spec
from pyrunc.spec.linux import Linux, Namespace
from pyrunc.spec.mounts import Mount
from pyrunc.spec.process import Capabilities, Process, Rlimit
from pyrunc.spec.resources import DeviceRule, Resources
from pyrunc.spec.root import Root

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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


def default_spec() -> Spec:
    """A shell with a terminal in a read-only ``rootfs``, few capabilities, and namespaces of its own except user and time."""
    process = Process(
        terminal=True,
        args=("sh",),
        env=(f"PATH={DEFAULT_PATH}", "TERM=xterm"),
        cwd="/",
        capabilities=Capabilities(bounding=_CAPABILITIES, effective=_CAPABILITIES, permitted=_CAPABILITIES),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", hard=1024, soft=1024),),
        no_new_privileges=True,
    )
    linux = Linux(
        resources=Resources(devices=(DeviceRule(allow=False, access="rwm"),)),
        namespaces=tuple(Namespace(type=kind) for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")),
        masked_paths=MASKED_PATHS,
        readonly_paths=READONLY_PATHS,
    )
    return Spec(
        oci_version=OCI_VERSION,
        process=process,
        root=Root(path="rootfs", readonly=True),
        hostname="pyrunc",
        mounts=default_mounts(),
        linux=linux,
    )
