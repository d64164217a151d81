"""A container's processes as ``ps -ef`` prints them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pycontainerd.containers.info import ProcessInfo
from pydockerd.models.container import Top

TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


def top(processes: Iterable[ProcessInfo], now: datetime) -> Top:
    """The columns of ``ps -ef``."""
    return Top(titles=TITLES, processes=tuple(_row(process, now) for process in processes))


def _row(process: ProcessInfo, now: datetime) -> tuple[str, ...]:
    minutes, seconds = divmod(int(process.cpu_seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        process.user,
        str(process.pid),
        str(process.ppid),
        str(process.cpu),
        _started(process.start, now),
        process.tty,
        f"{hours:02d}:{minutes:02d}:{seconds:02d}",
        process.command,
    )


def _started(start: datetime, now: datetime) -> str:
    local, today = start.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%b%d}" if local.year == today.year else f"{local:%Y}"
