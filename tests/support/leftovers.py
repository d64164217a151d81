"""What a test must not leave on the machine: mounts, cgroups, processes, network links, open descriptors.

The machine as it is before a test is compared with the machine after it. Other people's containers come and go on the same
machine at the same time, so only what belongs to this run of the tests counts:

- a mount in the run's directory, or anywhere else but in directories where other programs keep mounts of theirs;
- a cgroup made for the run's daemons, and one of the runtime that holds no process, or holds one of this run;
- a process that carries the run's name in its environment, descends from pytest, or is a monitor with its state in the run's
  directory (monitors are given an empty environment);
- a network link with the mark of a daemon of this run, but for the default bridge of one that runs; and any other without a mark, unless it has
  a name that dockerd gives;
- a descriptor of pytest's own process.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from tests.support.run import MARKER, RUN

# The kernel and the daemons take a moment to finish what a test has ended.
GRACE_SECONDS: Final = 3.0
_ELSEWHERE: Final = ("/tmp/", "/var/tmp/", "/var/lib/", "/run/", "/mnt/")
_OURS: Final = re.compile(r"(pyrunc|pycontainerd|pydockerd)")
# Runs put the beginning of their names into those of their cgroups.
_ANOTHER_RUN: Final = re.compile(r"-[0-9a-f]{12}\b")
_DOCKERD_LINKS: Final = re.compile(r"(docker|veth|br-)")
# Kept for the life of the process on purpose: the C core, which is made once and executed for every container.
_CACHED_DESCRIPTORS: Final = re.compile(r"/memfd:pyrunc-init|/dev/u?random")


@define
class Owned:
    """The processes of session fixtures, which may come in the middle of the first test that asks for them."""

    processes: set[int] = field(factory=set)


OWNED: Final = Owned()


@frozen
class Machine:
    """What there is at one moment; each set holds names that are fit to be shown."""

    mounts: frozenset[str]
    cgroups: frozenset[str]
    processes: frozenset[int]
    links: frozenset[str]
    descriptors: frozenset[tuple[int, str]]

    @classmethod
    def now(cls) -> Machine:
        return cls(
            mounts=frozenset(_mounts()),
            cgroups=frozenset(_cgroups()),
            processes=frozenset(int(name) for name in os.listdir("/proc") if name.isdigit()),
            links=frozenset(_links()),
            descriptors=frozenset(_descriptors()),
        )


def leftovers(before: Machine, after: Machine) -> list[str]:
    """What is there after a test, was not there before it, and belongs to this run: one line each."""
    mounts = (f"mount {mount}" for mount in after.mounts - before.mounts if _own_mount(mount))
    cgroups = (f"cgroup {path}" for path in after.cgroups - before.cgroups if _own_cgroup(path))
    processes = (f"process {pid} {_command(pid)}" for pid in after.processes - before.processes if _own_process(pid))
    links = (f"network link {link}" for link in after.links - before.links if _own_link(link))
    opened = (f"descriptor {number} {target}" for number, target in after.descriptors - before.descriptors)
    return sorted([*mounts, *cgroups, *processes, *links, *opened])


def settled(before: Machine, grace: float = GRACE_SECONDS, now: Callable[[], Machine] = Machine.now) -> list[str]:
    """The leftovers that are still there after ``grace`` seconds."""
    deadline = time.monotonic() + grace
    while (left := leftovers(before, now())) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _mounts() -> Iterator[str]:
    """Mount points with the rest of their lines: upper directories and sources tell whose they are (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            identity, _, _, root, point, rest = line.rstrip("\n").split(" ", 5)
            yield f"{point} ({identity}, of {root}, {rest})"


def _own_mount(mount: str) -> bool:
    return f"{RUN.directory}/" in mount or not mount.startswith(_ELSEWHERE)


def _cgroups() -> Iterator[str]:
    """Directories of ours at the top of each hierarchy, and those right below them."""
    for hierarchy in _hierarchies():
        for top in _directories(hierarchy):
            if _OURS.match(os.path.basename(top)):
                yield top
                yield from _directories(top)


def _links() -> Iterator[str]:
    """Names, with the marks of daemons behind them. Not from /sys, which may show those of another namespace."""
    names = {name for _, name in socket.if_nameindex()} - {"lo"}
    marks: dict[str, str] = {}
    if names:
        listed = subprocess.run(["ip", "-j", "link", "show"], capture_output=True, check=True)
        marks = {link["ifname"]: link.get("ifalias", "") for link in json.loads(listed.stdout)}
    for name in names:
        yield f"{name} {marks.get(name, '')}".rstrip()


def _own_link(link: str) -> bool:
    name, _, mark = link.partition(" ")
    if not mark.startswith("pydockerd "):
        return not _DOCKERD_LINKS.match(name)
    place = mark.removeprefix("pydockerd ")
    if not place.startswith(f"{RUN.directory}/"):
        return False
    return not (name.startswith("pydock-") and _serves(Path(place, "pydockerd.pid")))


def _serves(pidfile: Path) -> bool:
    """Whether the daemon of a pid file runs."""
    try:
        return Path("/proc", pidfile.read_text().strip()).is_dir()
    except OSError:
        return False


def _hierarchies() -> list[str]:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return ["/sys/fs/cgroup"]
    return list(_directories("/sys/fs/cgroup"))


def _directories(path: str) -> Iterator[str]:
    try:
        with os.scandir(path) as entries:
            yield from [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return


def _own_cgroup(path: str) -> bool:
    if RUN.name[:12] in path:
        return True
    if _ANOTHER_RUN.search(path):
        return False
    try:
        members = Path(path, "cgroup.procs").read_text().split()
    except OSError:
        return False
    below = [entry for entry in _directories(path) if not _own_cgroup(entry)]
    return not below and (not members or any(_own_process(int(pid)) for pid in members))


def _own_process(pid: int) -> bool:
    if pid in OWNED.processes:
        return False
    return _marked(pid) or _descends(pid) or _own_monitor(pid)


def _marked(pid: int) -> bool:
    try:
        return f"{MARKER}={RUN.name}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _descends(pid: int) -> bool:
    """Whether pytest, or a process that carries the run's name, is above the process; a kernel thread has none above."""
    parent = _parent(pid)
    while parent > 1:
        if parent == os.getpid() or parent in OWNED.processes or _own_monitor(parent):
            return True
        parent = _parent(parent)
    return False


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _own_monitor(pid: int) -> bool:
    if not _command(pid).startswith("pyrunc-init"):
        return False
    return any(target.startswith(f"{RUN.directory}/") for _, target in _descriptors(pid))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _descriptors(pid: int | str = "self") -> Iterator[tuple[int, str]]:
    """Open descriptors with what they refer to. The one that reads the directory itself is closed again by then."""
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        try:
            target = os.readlink(f"{directory}/{name}")
        except OSError:
            continue
        if not _CACHED_DESCRIPTORS.match(target):
            yield int(name), target
