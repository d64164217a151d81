"""What there is on the machine of a supervisor that should have left nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pycontainerd.ephemeral.register import REGISTER


def traces(directory: Path, cgroup: str, pids: list[int] | None = None) -> list[str]:
    """Directories, mounts, cgroups, processes (which may be zombies of nobody) and entries, one line each."""
    found = [str(path) for path in directory.iterdir()] if directory.exists() else []
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [line for line in mounts if f" {directory}/" in line]
    for hierarchy in Path("/sys/fs/cgroup").iterdir() if not Path("/sys/fs/cgroup/cgroup.procs").exists() else ():
        found += [str(hierarchy / cgroup.lstrip("/"))] if (hierarchy / cgroup.lstrip("/")).exists() else []
    found += [f"/sys/fs/cgroup{cgroup}"] if Path(f"/sys/fs/cgroup{cgroup}").exists() else []
    found += [f"process {pid}" for pid in pids or () if _alive(pid)]
    found += [str(entry) for entry in REGISTER.glob("*") if str(directory) in _text(entry)]
    return found


def remaining(directory: Path, cgroup: str, pids: list[int] | None = None, *, patience: float = 10.0) -> list[str]:
    """What is still there when there was time to clear up."""
    deadline = time.monotonic() + patience
    while (found := traces(directory, cgroup, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def _text(path: os.PathLike[str]) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
