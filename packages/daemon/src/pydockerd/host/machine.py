"""Facts about the machine, from /proc, /etc/os-release and uname(2)."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

_TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


@cache
def memory_total() -> int:
    """Bytes of memory. Source: proc_meminfo(5), MemTotal."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_time_ns() -> int:
    """Nanoseconds that all processors together have spent, idle ones too: what docker calls system_cpu_usage. Source: proc_stat(5)."""
    with open("/proc/stat") as file:
        fields = file.readline().split()
    # user, nice, system, idle, iowait, irq, softirq; what follows is contained in them
    return sum(int(ticks) for ticks in fields[1:8]) * _TICK_NS


@cache
def kernel_version() -> str:
    """The kernel's release."""
    return os.uname().release


@cache
def operating_system() -> tuple[str, str]:
    """(name, version) of the distribution."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "Linux", ""
    return release.get("PRETTY_NAME", "Linux"), release.get("VERSION_ID", "")


@cache
def cgroup_version() -> str:
    """``2`` where the unified hierarchy is mounted alone, else ``1``."""
    return "2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "1"


def has_apparmor() -> bool:
    """Whether AppArmor is in force, so that profiles can be asked for."""
    return _first_word("/sys/module/apparmor/parameters/enabled") == "Y"


def has_selinux() -> bool:
    """Whether SELinux is in force, permissive or not."""
    return bool(_first_word("/sys/fs/selinux/enforce"))


def _first_word(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def forwards_ipv4() -> bool:
    """Whether the machine routes."""
    try:
        return Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
    except OSError:
        return False


def open_descriptors() -> int:
    """How many descriptors this process holds."""
    return len(os.listdir("/proc/self/fd"))


@cache
def swap_is_limited() -> bool:
    """Whether cgroups count swap."""
    v1 = Path("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
    return cgroup_version() == "2" or v1.exists()


def interfaces(pid: int) -> dict[str, tuple[int, ...]]:
    """The counters of the interfaces in the network namespace of a process, without its loopback. Source: proc_net(5), /proc/net/dev."""
    try:
        lines = Path(f"/proc/{pid}/net/dev").read_text(encoding="ascii", errors="replace").splitlines()[2:]
    except OSError:
        return {}  # it has just ended
    counters = {
        name.strip(): tuple(map(int, rest.split())) for name, _, rest in (line.partition(":") for line in lines)
    }
    counters.pop("lo", None)
    return counters
