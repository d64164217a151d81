"""From a compiled plan to a process, for create and exec alike, with nothing left of it if a later step fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

from pyrunc.children import sweep
from pyrunc.errors import LaunchFailed, SpecError
from pyrunc.jsontext import dumps
from pyrunc.launch import MonitorFiles, launch
from pyrunc.model import frozen
from pyrunc.processes import Identity, end
from pyrunc.state import ProcessRecord
from pyrunc.stdio import Stdio, Streams, connect, give_pipes, kept, send_console
from pyrunc.tracing import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.compile import Compiled
    from pyrunc.slots import Openers
    from pyrunc.spec import Linux, Process, Seccomp
    from pyrunc.state import State

FIRST_PRESERVED = 3
"""LISTEN_FDS style: the descriptors after standard error."""


@frozen(kw_only=True)
class Connections:
    """How the caller wants to be connected to the process. ``monitor``: descriptor of its state directory, if it is to have one.
    ``owner``: the uid that the process has on the machine, None where it is not known."""

    stdio: Stdio
    terminal: bool
    console_socket: str | None
    preserve_fds: int
    monitor: int | None
    owner: int | None


def uid_outside(process: Process, linux: Linux | None) -> int | None:
    """The machine's number for the user of a process; None where the maps are not told, or have no such user."""
    uid = process.user.uid
    if linux is None or linux.namespace("user") is None:
        return uid
    for mapping in linux.uid_mappings:
        if mapping.container_id <= uid < mapping.container_id + mapping.size:
            return mapping.host_id + uid - mapping.container_id
    return None


@frozen
class Made:
    """A process that waits for start, or runs. ``streams`` is what the caller keeps, if there is no monitor to keep it."""

    record: ProcessRecord
    streams: Streams | None


def make(
    compiled: Compiled,
    openers: Openers,
    wanted: Connections,
    undo: ExitStack,
    *,
    label: str,
    on_sync: Callable[[str, int], None] | None = None,
    on_listener: Callable[[int, int], None] | None = None,
) -> Made:
    """Launch the plan. ``undo`` gets what must be called if the caller fails later; ``on_sync`` and ``on_listener`` are launch's.

    Raises LaunchFailed and its kind, CgroupError, SpecError, OSError; then no process and no descriptor is left.
    """
    with ExitStack() as stack:
        ends = connect(Stdio.null() if wanted.terminal else wanted.stdio, stack)
        if wanted.owner is not None:
            give_pipes(ends.process, wanted.owner)
        fds = openers.open_all(compiled.slots, stack)
        with span("runtime", "launch"):
            launched = launch(
                compiled.plan,
                stdio=ends.process,
                fds=fds,
                monitor=None if wanted.monitor is None else MonitorFiles(wanted.monitor, ends.caller),
                on_sync=stops(compiled, on_sync, stack),
                on_listener=on_listener,
                preserve=range(FIRST_PRESERVED, FIRST_PRESERVED + wanted.preserve_fds),
                label=label,
            )
        stack.callback(_close, launched.pidfd, launched.parent_pidfd, launched.seccomp_listener or -1)
        # The process of an exec runs: it may have ended and been reaped, by its monitor or by the host program's waitpid(-1).
        record = ProcessRecord(
            process=Identity.held(launched.pid, launched.pidfd),
            monitor=Identity.held(launched.parent_pid, launched.parent_pidfd) if launched.parent_pid > 0 else None,
            terminal=wanted.terminal,
        )
        undo.callback(_end, record)
        streams = kept(ends) if wanted.monitor is None else None
        if streams is not None:
            undo.callback(streams.close)
        if launched.console is not None:
            _hand_over(launched.console, wanted.console_socket, streams)
        return Made(record, streams)


def stops(
    compiled: Compiled, others: Callable[[str, int], None] | None, stack: ExitStack
) -> Callable[[str, int], None] | None:
    """What is done where the process waits: what only the caller may do for it, and the hooks (``others``).

    ``stack`` gets what undoes it if the launch fails later.
    """
    if not compiled.net_devices and compiled.rdt is None:
        return others

    def stop(point: str, pid: int) -> None:
        if point == "netDevices":
            from pyrunc.netdevices import NetDevices

            devices = stack.enter_context(NetDevices.open(pid))
            devices.move(compiled.net_devices)
        elif point == "intelRdt" and compiled.rdt is not None:
            from pyrunc.resctrl import join

            join(compiled.rdt, pid)
        elif others is not None:
            others(point, pid)

    return stop


def _hand_over(console: int, console_socket: str | None, streams: Streams | None) -> None:
    """The terminal's master goes to the console socket, or to the caller; a monitor has a descriptor of its own."""
    if streams is not None and console_socket is None:
        streams.console = console
        return
    try:
        if console_socket is not None:
            send_console(console_socket, console)
    except OSError as error:
        raise LaunchFailed(
            f"nobody took the terminal at the console socket {console_socket}: {error.strerror}"
        ) from error
    finally:
        os.close(console)


def _end(record: ProcessRecord) -> None:
    """The process first: while it lives, a killed monitor would only make an orphan of it."""
    for identity in (record.process, record.monitor):
        if identity is not None:
            end(identity)
    sweep()


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


def send_listener(seccomp: Seccomp, listener: int, state: State, pid: int) -> None:
    """Hand the seccomp notify descriptor to the agent at listenerPath (config-linux.md, The Container Process State).

    Raises SpecError if nobody takes it.
    """
    import socket

    document: dict[str, Any] = {
        "ociVersion": state.oci_version,
        "fds": ["seccompFd"],
        "pid": pid,
        "state": state.to_json(),
    }
    if seccomp.listener_metadata:
        document["metadata"] = seccomp.listener_metadata
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(seccomp.listener_path)
            socket.send_fds(connection, [dumps(document).encode()], [listener])
    except OSError as error:
        path = "linux.seccomp.listenerPath"
        raise SpecError(path, f"nobody took the descriptor: {error.strerror}", seccomp.listener_path) from error
