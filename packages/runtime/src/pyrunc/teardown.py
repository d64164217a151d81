"""Ending every process of a container, so that its cgroup and directory can go."""

from __future__ import annotations

import time
from contextlib import suppress

from pyrunc.errors import CgroupError, InvalidState, ProcessGone, StateError
from pyrunc.signals import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.handle import Handle
    from pyrunc.state import Record

_PATIENCE = 10.0
"""Seconds for killed processes to be gone and their monitors to have noticed."""


def end_processes(record: Record, main: Handle | None, execs: list[Handle], cgroup: Cgroup) -> None:
    """Kill what is alive, wait for it, let the monitors end, and leave no zombie of the caller's.

    Raises CgroupError if a process cannot be killed (it hangs in the kernel).
    """
    running = main is not None and main.record.process.alive()
    # With a pid namespace of its own, the end of the first process was the end of all, and the kernel has seen to it.
    if running or main is None or not record.own_pids:
        _kill_all(cgroup, main)
    handles = execs if main is None else [main, *execs]
    for handle in handles:
        try:
            handle.wait(_PATIENCE)
        except TimeoutError:
            raise CgroupError(record.cgroup or record.id, f"process {handle.record.process.pid} does not end") from None
        except StateError:
            pass  # a damaged exit file must not keep anything from being deleted
        with suppress(InvalidState, StateError):
            handle.release()


def release_unrecorded(directory: int) -> None:
    """End the monitor in a state directory (a descriptor) in which no process is recorded: who made it was killed before writing it down.

    Its process has been killed already, with the cgroup or with the first process of its pid namespace.
    """
    from pyrunc.monitor import MonitorClient

    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with MonitorClient.connect(directory) as client:
                client.release()
                return
        except ProcessGone:
            return
        except InvalidState:
            time.sleep(0.001)  # it has not noticed yet


def _kill_all(cgroup: Cgroup, main: Handle | None) -> None:
    if cgroup.path:
        cgroup.kill(SIGKILL)
    if main is not None:
        with suppress(ProcessGone):
            main.kill(SIGKILL)
