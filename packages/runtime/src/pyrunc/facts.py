"""Facts: what pyrunc must know of the host to compile a Plan. Probed once; handed in, so that compiling stays a pure function."""

from __future__ import annotations

import os

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    CgroupMode = Literal["v1", "hybrid", "v2", "none"]


@frozen
class Hierarchy:
    """One mounted tree of cgroups.

    ``name`` is what /proc/PID/cgroup calls it: ``""`` for cgroup v2, ``cpu,cpuacct`` or ``name=systemd`` for v1. ``own`` is this
    process's place in it, as a path below ``mountpoint``.
    """

    name: str
    controllers: tuple[str, ...]
    mountpoint: str
    own: str

    @property
    def is_v2(self) -> bool:
        """Whether this is the unified hierarchy."""
        return not self.name


@frozen(kw_only=True)
class Facts:
    """The host as far as it decides what is compiled. The defaults describe a current kernel with cgroup v2 and nothing special."""

    kernel: tuple[int, int] = (6, 1)
    machine: str = "x86_64"
    uid: int = 0
    gid: int = 0
    in_user_namespace: bool = False
    last_capability: int = 40
    lsm: tuple[str, ...] = ()
    seccomp: bool = True
    hierarchies: tuple[Hierarchy, ...] = (
        Hierarchy("", ("cpuset", "cpu", "io", "memory", "pids"), "/sys/fs/cgroup", "/"),
    )
    time_namespaces: bool = True
    keyrings: bool = True
    resctrl: str = ""

    @property
    def cgroup_mode(self) -> CgroupMode:
        """Which versions of cgroups are mounted."""
        unified = any(hierarchy.is_v2 for hierarchy in self.hierarchies)
        legacy = any(not hierarchy.is_v2 for hierarchy in self.hierarchies)
        if unified:
            return "hybrid" if legacy else "v2"
        return "v1" if legacy else "none"

    @property
    def rootless(self) -> bool:
        """Whether pyrunc runs without the rights of the machine's root."""
        return self.uid != 0 or self.in_user_namespace

    @property
    def unified(self) -> Hierarchy | None:
        """The cgroup v2 hierarchy, if one is mounted."""
        return next((hierarchy for hierarchy in self.hierarchies if hierarchy.is_v2), None)

    def hierarchy(self, controller: str) -> Hierarchy | None:
        """The hierarchy that has this controller."""
        return next((hierarchy for hierarchy in self.hierarchies if controller in hierarchy.controllers), None)

    @staticmethod
    def probe() -> Facts:
        """Read the facts of this host: a handful of files in /proc and /sys, once for each process."""
        global _probed  # noqa: PLW0603 - the host does not change under a running process
        if _probed is None or _probed[0] != os.getpid():
            _probed = (os.getpid(), _probe())
        return _probed[1]


_probed: tuple[int, Facts] | None = None


def parse_release(release: str) -> tuple[int, int]:
    """``6.18.44-fc`` → ``(6, 18)``."""
    major, minor, *_ = release.replace("-", ".").replace("+", ".").split(".")
    return int(major), int(minor)


def parse_hierarchies(cgroup: str, mountinfo: str) -> tuple[Hierarchy, ...]:
    """The mounted hierarchies from the texts of /proc/self/cgroup and /proc/self/mountinfo (cgroups(7), proc(5)).

    The last mount of a hierarchy counts, as it hides those before it. ``controllers`` of v2 are not in these files.
    """
    mounts = {}
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        fstype, _, options = rest.split(" ", 2)
        if fstype in {"cgroup", "cgroup2"}:
            _, _, _, root, mountpoint = fields.split(" ")[:5]
            words = frozenset() if fstype == "cgroup2" else frozenset(options.split(" ")[-1].split(","))
            mounts[fstype, words] = (_unescaped(root), _unescaped(mountpoint))
    found = (_hierarchy(line, mounts) for line in cgroup.splitlines())
    return tuple(hierarchy for hierarchy in found if hierarchy is not None)


def parse_resctrl(mountinfo: str) -> str:
    """Where resctrl is mounted, or nothing."""
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.startswith("resctrl "):
            return _unescaped(fields.split(" ")[4])
    return ""


def _hierarchy(line: str, mounts: dict[tuple[str, frozenset[str]], tuple[str, str]]) -> Hierarchy | None:
    _, name, own = line.split(":", 2)
    controllers = tuple(word for word in name.split(",") if word)
    for (fstype, words), (root, mountpoint) in mounts.items():
        if (fstype == "cgroup2") == (not name) and words.issuperset(controllers):
            plain = tuple(word for word in controllers if not word.startswith("name="))
            return Hierarchy(name, plain, mountpoint, _below(own, root))
    return None


def _below(own: str, root: str) -> str:
    """Where ``own`` is seen when the mount shows the hierarchy from ``root`` on (inside a container without a cgroup namespace)."""
    if root != "/" and (own == root or own.startswith(f"{root}/")):
        return own[len(root) :] or "/"
    return own


def _unescaped(path: str) -> str:
    """Undo mountinfo's octal escapes of space, tab, newline and backslash."""
    if "\\" not in path:
        return path
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


def _read(path: str) -> str:
    """The file's text, or nothing where this kernel has no such file."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _probe() -> Facts:
    name = os.uname()
    mountinfo = _read("/proc/self/mountinfo")
    hierarchies = parse_hierarchies(_read("/proc/self/cgroup"), mountinfo)
    return Facts(
        kernel=parse_release(name.release),
        machine=name.machine,
        uid=os.geteuid(),
        gid=os.getegid(),
        in_user_namespace=_read("/proc/self/uid_map").split() not in ([], ["0", "0", "4294967295"]),
        last_capability=int(_read("/proc/sys/kernel/cap_last_cap") or 40),
        lsm=tuple(word for word in _read("/sys/kernel/security/lsm").strip().split(",") if word),
        seccomp=os.path.exists("/proc/sys/kernel/seccomp/actions_avail"),
        hierarchies=tuple(_with_controllers(hierarchy) for hierarchy in hierarchies),
        time_namespaces=os.path.exists("/proc/self/ns/time"),
        keyrings=os.path.exists("/proc/keys"),
        resctrl=parse_resctrl(mountinfo) if " - resctrl " in mountinfo else "",
    )


def _with_controllers(hierarchy: Hierarchy) -> Hierarchy:
    if not hierarchy.is_v2:
        return hierarchy
    controllers = _read(f"{hierarchy.mountpoint}/cgroup.controllers").split()
    return Hierarchy(hierarchy.name, tuple(controllers), hierarchy.mountpoint, hierarchy.own)
