"""The processes of a container as ps(1) would list them."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pycontainerd.containers.info import ProcessInfo

_TICKS = os.sysconf("SC_CLK_TCK")


def describe(pids: Iterable[int]) -> list[ProcessInfo]:
    """Those of ``pids`` (the host's) that still are, in order."""
    booted = _boot_time()
    found = (_describe(pid, booted) for pid in sorted(pids))
    return [process for process in found if process is not None]


def _describe(pid: int, booted: float) -> ProcessInfo | None:
    directory = Path("/proc") / str(pid)
    try:
        stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
        arguments = (directory / "cmdline").read_bytes()
        owner = directory.stat().st_uid
    except OSError:
        return None
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 2 :].split()
    started = booted + int(fields[19]) / _TICKS
    used = (int(fields[11]) + int(fields[12])) / _TICKS
    lived = max(datetime.now(UTC).timestamp() - started, 0.01)
    command = arguments.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    return ProcessInfo(
        user=_user(owner),
        pid=pid,
        ppid=int(fields[1]),
        cpu=min(99, int(100 * used / lived)),
        start=datetime.fromtimestamp(started, UTC),
        tty=_terminal(int(fields[4])),
        cpu_seconds=used,
        command=command or f"[{name}]",
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _terminal(device: int) -> str:
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    return f"pts/{minor + (major - 136) * 256}" if 136 <= major <= 143 else "?"


def _boot_time() -> float:
    with open("/proc/stat", encoding="ascii") as file:
        return next(float(line.split()[1]) for line in file if line.startswith("btime "))
