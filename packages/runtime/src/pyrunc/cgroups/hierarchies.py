"""Where this machine's cgroups are: the mounted hierarchies of version 1, the unified one, or both (hybrid)."""

from __future__ import annotations

import re
from typing import Literal

from attrs import frozen

CONTROLLERS = frozenset(
    {
        "blkio",
        "cpu",
        "cpuacct",
        "cpuset",
        "devices",
        "freezer",
        "hugetlb",
        "memory",
        "misc",
        "net_cls",
        "net_prio",
        "perf_event",
        "pids",
        "rdma",
    }
)
"""What a mount option of a version 1 hierarchy can name; its other options (``rw``, ``xattr``, ``clone_children``) are not controllers."""

_OCTAL = re.compile(r"\\([0-7]{3})")


@frozen
class Hierarchy:
    """One mounted tree of version 1: what it controls (``("cpu", "cpuacct")``, ``("name=systemd",)``), and where."""

    controllers: tuple[str, ...]
    mountpoint: str


@frozen
class Hierarchies:
    """All of them. ``unified`` is the mount point of the cgroup2 file system, if it is mounted."""

    v1: tuple[Hierarchy, ...]
    unified: str | None

    @property
    def mode(self) -> Literal["v1", "hybrid", "v2", "none"]:
        """``hybrid``: limits are set on version 1, and cgroup2 is mounted beside it to follow processes (systemd's term)."""
        if any(not hierarchy.controllers[0].startswith("name=") for hierarchy in self.v1):
            return "hybrid" if self.unified else "v1"
        return "v2" if self.unified else "none"

    @classmethod
    def probe(cls, mountinfo: str = "/proc/self/mountinfo") -> Hierarchies:
        """Read the mounts of this process (proc_pid_mountinfo(5)).

        A hierarchy that is mounted more than once counts where it was mounted first: later ones are other containers' views.
        """
        with open(mountinfo, encoding="utf-8", errors="surrogateescape") as lines:
            return cls.parse(lines.read())

    @classmethod
    def parse(cls, text: str) -> Hierarchies:
        """As ``probe``, of a text in the format of /proc/PID/mountinfo."""
        v1: dict[tuple[str, ...], Hierarchy] = {}
        unified: str | None = None
        for line in text.splitlines():
            if " - cgroup" not in line:
                continue
            mount, _, filesystem = line.partition(" - ")
            mountpoint = _OCTAL.sub(lambda match: chr(int(match[1], 8)), mount.split()[4])
            fstype, _, options = filesystem.split(" ", 2)
            if fstype == "cgroup2":
                unified = unified or mountpoint
            elif fstype == "cgroup":
                controllers = tuple(option for option in options.split(",") if _is_controller(option))
                if controllers:
                    v1.setdefault(controllers, Hierarchy(controllers, mountpoint))
        return cls(tuple(v1.values()), unified)


def _is_controller(option: str) -> bool:
    return option in CONTROLLERS or option.startswith("name=")
