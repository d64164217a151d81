"""What a machine needs to run containers, looked up and told with what to do about each lack.

Each check reads a few files below a root and returns a finding, so that tests show it machines that are not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

OK, WARNING, FAILURE = "ok", "warning", "failure"
_OLDEST: Final = (5, 10)
_CONTROLLERS: Final = ("cpu", "memory", "pids")
_LITTLE: Final = 1 << 30


@attrs.frozen
class Finding:
    """What one check has found, and what to do where that is not well."""

    subject: str
    state: str
    text: str
    advice: str = ""


Check = Callable[[Path], Finding]


def kernel(root: Path) -> Finding:
    """Mounts by descriptors, pidfds and idmapped mounts want a kernel of 5.10."""
    release = _read(root / "proc/sys/kernel/osrelease").strip()
    found = re.match(r"(\d+)\.(\d+)", release)
    if found and (int(found[1]), int(found[2])) >= _OLDEST:
        return Finding("kernel", OK, release)
    return Finding(
        "kernel", FAILURE, f"{release or 'unknown'}: 5.10 is the oldest that works", "install a newer kernel"
    )


def cgroups(root: Path) -> Finding:
    """Limits want controllers, of version 2 or 1."""
    unified = _read(root / "sys/fs/cgroup/cgroup.controllers").split()
    legacy = [name for name in _CONTROLLERS if any((root / "sys/fs/cgroup").glob(f"*{name}*/cgroup.procs"))]
    version = "2" if unified else "1"
    missing = [name for name in _CONTROLLERS if name not in (unified or legacy)]
    if not missing:
        return Finding("cgroups", OK, f"version {version} with {', '.join(_CONTROLLERS)}")
    return Finding(
        "cgroups",
        WARNING if unified or legacy else FAILURE,
        f"version {version} without {', '.join(missing)}: limits for these are refused",
        "mount the cgroup file systems (systemd does), or take cgroup_disable= off the kernel's command line",
    )


def overlay(root: Path) -> Finding:
    """Images' layers are laid over each other."""
    if re.search(r"\boverlay$", _read(root / "proc/filesystems"), re.MULTILINE):
        return Finding("storage", OK, "the kernel has overlayfs")
    return Finding(
        "storage",
        WARNING,
        "no overlayfs yet: every container is a full copy",
        "modprobe overlay (as root), once and at boot",
    )


def namespaces(root: Path) -> Finding:
    """--userns-remap and rootless containers want user namespaces."""
    most = _read(root / "proc/sys/user/max_user_namespaces").strip()
    if most.isdecimal() and int(most) > 0:
        return Finding("user namespaces", OK, f"up to {most}")
    return Finding(
        "user namespaces",
        WARNING,
        "none: users of containers cannot be remapped",
        "sysctl -w user.max_user_namespaces=15000",
    )


def packets(root: Path) -> Finding:
    """Networks want libnftables, and packets to be forwarded."""
    libraries = [
        path for place in ("usr/lib", "usr/lib64", "lib") for path in (root / place).glob("**/libnftables.so.1*")
    ]
    if not libraries:
        return Finding(
            "nftables",
            WARNING,
            "libnftables.so.1 is not there: only networks none and host work",
            "apt-get install libnftables1",
        )
    if _read(root / "proc/sys/net/ipv4/ip_forward").strip() != "1":
        return Finding(
            "nftables",
            WARNING,
            "libnftables is there; packets are not forwarded until the daemon makes its first network",
            "sysctl -w net.ipv4.ip_forward=1, if containers reach nobody",
        )
    return Finding("nftables", OK, "libnftables is there, packets are forwarded")


def space(directory: Path, free: int) -> Finding:
    """Whether there is room where the daemon keeps its data."""
    from pyctl.app.format.units import decimal_size

    text = f"{decimal_size(free)} free at {directory}"
    if free >= _LITTLE:
        return Finding("disk", OK, text)
    return Finding(
        "disk", WARNING, text, "pyctl system df shows what takes it, pyctl system prune frees what nobody uses"
    )


CHECKS: Final[tuple[Check, ...]] = (kernel, cgroups, overlay, namespaces, packets)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
