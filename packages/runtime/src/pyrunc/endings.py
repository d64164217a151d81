"""Waiting for a process to end and learning how, whoever's child it is, and as often as anyone asks.

- A monitored process: its monitor is the parent, writes the status to the file ``exit`` of the state directory, and tells who is connected.
- A child of the caller: its status can be read once from the kernel. Who waits first writes it to the same file, before reaping.
- Neither: its end is seen by pidfd, but the kernel tells how only to the parent. ExitStatus.known is false then.
"""

from __future__ import annotations

import os
import select
import time
from _thread import LockType, allocate_lock
from collections.abc import Callable
from contextlib import suppress

from pyrunc.children import sweep
from pyrunc.errors import ProcessGone, StateError
from pyrunc.model import define, field
from pyrunc.processes import WALL, ExitStatus, exit_status
from pyrunc.state import ProcessRecord
from pyrunc.statedir import EXIT, read_at, write_at

_UNKNOWN = 255
_RECORD_PATIENCE = 2.0
"""Seconds that the record of a process that has just ended may take, on a busy machine."""


@define
class Ending:
    """How to wait for one process. ``directory`` opens the directory with its ``exit``, or gives None where there is none."""

    record: ProcessRecord
    directory: Callable[[], int | None]
    _status: int | None = field(default=None, init=False)
    _ended_ns: int = field(default=0, init=False)
    _lock: LockType = field(factory=allocate_lock, init=False, repr=False)

    def wait(self, timeout: float | None) -> ExitStatus:
        """The status, once the process has ended. Raises TimeoutError after ``timeout`` seconds."""
        found = self.recorded()
        if found is not None:
            return found
        descriptor = self.exit_fd()
        try:
            if not _readable(descriptor, timeout):
                raise TimeoutError(f"process {self.record.process.pid} has not ended within {timeout} seconds")
        finally:
            os.close(descriptor)
        return self._collect()

    def recorded(self) -> ExitStatus | None:
        """The status, if somebody has written it down already."""
        if self._status is not None:
            return exit_status(self._status, self._ended_ns)
        directory = self.directory()
        if directory is None:
            return None
        try:
            return _decode(read_at(directory, EXIT))
        except FileNotFoundError:
            return None
        finally:
            os.close(directory)

    def exit_fd(self) -> int:
        """A new descriptor that is readable when ``wait`` will not block. The caller closes it."""
        if self.recorded() is None:
            if self.record.monitor is not None:
                with suppress(ProcessGone):
                    return self._monitor_fd()
            with suppress(ProcessGone):
                return self.record.process.open(zombie=True)
        return os.eventfd(1, os.EFD_CLOEXEC)

    def _monitor_fd(self) -> int:
        """A connection to the monitor; it becomes readable after the record is written. Raises ProcessGone without a monitor."""
        from pyrunc.monitor import MonitorClient

        directory = self.directory()
        if directory is None:
            raise ProcessGone("the state directory is gone")
        try:
            with MonitorClient.connect(directory) as client:
                return client.wait_fd()
        finally:
            os.close(directory)

    def _collect(self) -> ExitStatus:
        """The process has ended: read how, and write it down for everybody else."""
        if self.record.monitor is None:
            self._reap()
            return self.recorded() or self._unknown()
        sweep()
        deadline = time.monotonic() + _RECORD_PATIENCE
        while (found := self.recorded()) is None:
            # Only a monitor that was killed leaves no record; one that lives may need a moment for it.
            if time.monotonic() > deadline or not self.record.monitor.alive():
                return self.recorded() or self._unknown()
            time.sleep(0.001)
        return found

    def _reap(self) -> None:
        """Write the status, then reap: so whoever finds nothing left to reap finds the record."""
        with self._lock:
            if self._status is not None:
                return
            try:
                pidfd = self.record.process.open(zombie=True)
            except ProcessGone:
                return
            try:
                status = _peek(pidfd)
                if status is None:
                    return
                self._status, self._ended_ns = status, time.time_ns()
                self._write(status, self._ended_ns)
                os.waitid(os.P_PIDFD, pidfd, os.WEXITED | WALL)
            except ChildProcessError:
                pass
            finally:
                os.close(pidfd)

    def _write(self, status: int, ended_ns: int) -> None:
        directory = self.directory()
        if directory is None:
            return
        try:
            write_at(directory, EXIT, f"{status} {ended_ns}\n".encode())
        except FileNotFoundError:
            pass  # deleted meanwhile: nobody will ask any more
        finally:
            os.close(directory)

    def reap_if_ended(self) -> None:
        """Leave no zombie behind: for delete, which nobody need have waited before."""
        if self.record.monitor is None:
            self._reap()

    def _unknown(self) -> ExitStatus:
        return ExitStatus(code=_UNKNOWN, exited_ns=time.time_ns(), known=False)


def _decode(content: bytes) -> ExitStatus:
    try:
        status, ended_ns = map(int, content.split())
    except ValueError as error:
        raise StateError(EXIT, f"is damaged: {content[:40]!r}") from error
    return exit_status(status, ended_ns)


def _peek(pidfd: int) -> int | None:
    """The wait status of a child that has ended, left as it is; None if it runs. Raises ChildProcessError if it is not a child."""
    found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL)
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return found.si_status << 8
    return found.si_status | (0x80 if found.si_code == os.CLD_DUMPED else 0)


def _readable(descriptor: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else max(0, timeout) * 1000))
