"""Processes named so that a reused pid is never mistaken for them, and what became of them."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime

from attrs import frozen

from pyrunc.errors import ProcessGone

WALL = 0x40000000
"""__WALL of wait(2): the processes that pyrunc clones have no exit signal, so that a host program's own waitpid(-1) never finds them."""

_STATE, _START_TIME = 0, 19
"""Fields of /proc/PID/stat, counted from the one after the command's closing parenthesis (proc_pid_stat(5): fields 3 and 22)."""


@frozen
class Identity:
    """A process for ever: ``pid`` in the caller's namespace, and ``start_time`` in clock ticks after boot."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The process that has ``pid`` now. Raises ProcessGone."""
        return cls(pid, int(_stat(pid)[_START_TIME]))

    def open(self, *, zombie: bool = False) -> int:
        """A new pidfd of this process. Raises ProcessGone if it has ended; with ``zombie``, only if it has been reaped too.

        The descriptor is opened before the start time is compared, so what was compared is what the descriptor holds.
        """
        try:
            pidfd = os.pidfd_open(self.pid)
        except (ProcessLookupError, ValueError):
            raise ProcessGone(f"process {self.pid} has ended") from None
        try:
            stat = _stat(self.pid)
            if int(stat[_START_TIME]) != self.start_time or (stat[_STATE] in ("Z", "X") and not zombie):
                raise ProcessGone(f"process {self.pid} has ended")
        except BaseException:
            os.close(pidfd)
            raise
        return pidfd

    def alive(self) -> bool:
        """Whether it runs: a zombie does not."""
        try:
            stat = _stat(self.pid)
        except ProcessGone:
            return False
        return int(stat[_START_TIME]) == self.start_time and stat[_STATE] not in ("Z", "X")

    def to_json(self) -> dict[str, int]:
        """For the state directory."""
        return {"pid": self.pid, "startTime": self.start_time}


def _stat(pid: int) -> list[str]:
    """The command may contain blanks and parentheses, so fields are counted after the last parenthesis."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessGone(f"process {pid} has ended") from None
    return text[text.rindex(b")") + 2 :].decode().split()


@frozen(kw_only=True)
class ExitStatus:
    """How a process ended.

    ``code`` is 0..255, 128 + n after signal n, as shells have it. ``signal`` is the number of the signal that killed it, or None.
    ``oom_killed``: the kernel killed a process of this container because its memory limit was reached. ``known`` is false, and
    ``code`` 255, if nobody could tell: the process was not the caller's child, had no monitor, and was reaped by somebody else.
    """

    code: int
    signal: int | None = None
    exited_at: datetime
    oom_killed: bool = False
    known: bool = True


def exit_status(wait_status: int, exited_ns: int, *, oom_killed: bool = False) -> ExitStatus:
    """From a wait status as wait(2) encodes it, and nanoseconds of CLOCK_REALTIME."""
    signal = os.WTERMSIG(wait_status) if os.WIFSIGNALED(wait_status) else None
    code = os.WEXITSTATUS(wait_status) if signal is None else 128 + signal
    return ExitStatus(code=code, signal=signal, exited_at=moment(exited_ns), oom_killed=oom_killed)


def moment(nanoseconds: int) -> datetime:
    """CLOCK_REALTIME as an aware datetime, UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def reap(pidfd: int) -> int | None:
    """The wait status of a child that has ended, which is then gone; None if it is not the caller's child, or was reaped, or runs."""
    try:
        found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | WALL)
    except ChildProcessError:
        return None
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_status << 8
    return found.si_status | (0x80 if found.si_code == os.CLD_DUMPED else 0)


def reap_blocking(pidfd: int) -> None:
    """Wait for the end of a child and reap it; returns at once if it is not the caller's child."""
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | WALL)
