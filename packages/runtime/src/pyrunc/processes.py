"""Processes named so that a reused pid is never mistaken for them, and what became of them."""

from __future__ import annotations

import os
from errno import EINVAL

from pyrunc.errors import ProcessGone
from pyrunc.model import frozen
from pyrunc.signals import SIGKILL, pidfd_send_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

WALL = 0x40000000
"""__WALL of wait(2): what pyrunc clones has no exit signal until it executes something, and is found by no other wait until then.
execve(2) makes the signal SIGCHLD again: a host program that calls waitpid(-1) may take the status of a container without a monitor."""

_STATE, _START_TIME = 0, 19
"""Fields of /proc/PID/stat, counted from the one after the command's closing parenthesis (proc_pid_stat(5): fields 3 and 22)."""

_NEVER = -1
"""A start time that no process has."""


@frozen
class Identity:
    """A process for ever: ``pid`` in the caller's namespace, and ``start_time`` in clock ticks after boot."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The process that has ``pid`` now. Raises ProcessGone."""
        return cls(pid, int(_stat(pid)[_START_TIME]))

    @classmethod
    def held(cls, pid: int, pidfd: int) -> Identity:
        """The process of ``pidfd``, which is left open. If it has been reaped already, the identity is one that nobody has."""
        try:
            found = cls.of(pid)
            pidfd_send_signal(pidfd, 0)  # not reaped until now, so what was read is its own
        except (ProcessGone, ProcessLookupError):
            return cls(pid, _NEVER)
        return found

    @classmethod
    def ended(cls, pid: int) -> Identity:
        """A process that had ``pid`` and has been reaped: an identity that nobody has."""
        return cls(pid, _NEVER)

    def open(self, *, zombie: bool = False) -> int:
        """A new pidfd of this process. Raises ProcessGone if it has ended; with ``zombie``, only if it has been reaped too.

        The descriptor is opened before the start time is compared, so what was compared is what the descriptor holds.
        """
        try:
            pidfd = os.pidfd_open(self.pid)
        except (ProcessLookupError, ValueError):
            raise ProcessGone(f"process {self.pid} has ended") from None
        except OSError as error:
            # Its number lives on as that of a session or a process group: EINVAL before Linux 6.15, ESRCH since.
            if error.errno != EINVAL:
                raise
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
    ``exited_ns`` is nanoseconds of CLOCK_REALTIME.
    ``oom_killed``: the kernel killed a process of this container because its memory limit was reached. ``known`` is false, and
    ``code`` 255, if nobody could tell: the process was not the caller's child, had no monitor, and was reaped by somebody else.
    """

    code: int
    signal: int | None = None
    exited_ns: int
    oom_killed: bool = False
    known: bool = True

    @property
    def exited_at(self) -> datetime:
        """UTC, to the microsecond."""
        return moment(self.exited_ns)


def exit_status(wait_status: int, exited_ns: int, *, oom_killed: bool = False) -> ExitStatus:
    """From a wait status as wait(2) encodes it, and nanoseconds of CLOCK_REALTIME."""
    signal = os.WTERMSIG(wait_status) if os.WIFSIGNALED(wait_status) else None
    code = os.WEXITSTATUS(wait_status) if signal is None else 128 + signal
    return ExitStatus(code=code, signal=signal, exited_ns=exited_ns, oom_killed=oom_killed)


def moment(nanoseconds: int) -> datetime:
    """CLOCK_REALTIME as an aware datetime, UTC."""
    from datetime import UTC, datetime  # here, because most commands tell no time

    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def parse_signal(signal: int | str) -> int:
    """``9``, ``"9"``, ``"KILL"``, ``"SIGKILL"``, ``"RTMIN+3"`` as a number; 0, which only asks for the process. Raises ValueError."""
    from signal import NSIG, Signals

    if isinstance(signal, int) or signal.isdigit():
        number = int(signal)
        if 0 <= number < NSIG:
            return number
        raise ValueError(f"there is no signal {number}")
    name, plus, offset = signal.upper().removeprefix("SIG").partition("+")
    try:
        return Signals[f"SIG{name}"] + (int(offset) if plus else 0)
    except (KeyError, ValueError):
        raise ValueError(f"there is no signal {signal!r}") from None


def send_signal(identity: Identity, signal: int) -> None:
    """pidfd_send_signal(2): never to another process that got the same pid. Raises ProcessGone."""
    pidfd = identity.open()
    try:
        pidfd_send_signal(pidfd, signal)
    except ProcessLookupError:
        raise ProcessGone(f"process {identity.pid} has ended") from None
    finally:
        os.close(pidfd)


def end(identity: Identity) -> None:
    """Kill a process, and wait until it is gone and with it its hold on its cgroups; a child is reaped. One that has ended is no error."""
    from contextlib import suppress
    from select import POLLIN, poll

    try:
        pidfd = identity.open(zombie=True)
    except ProcessGone:
        return
    try:
        with suppress(ProcessLookupError):
            pidfd_send_signal(pidfd, SIGKILL)
        ended = poll()
        ended.register(pidfd, POLLIN)
        ended.poll()
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | WALL)
    finally:
        os.close(pidfd)
