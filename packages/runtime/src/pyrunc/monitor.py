"""The client's side of a monitor: the small process that holds a container's stdio and writes down how it ended.

Any process may connect at any time, also long after the creator died. The protocol is described in native/plan.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from pyrunc.errors import InvalidState, ProcessGone, StateError
from pyrunc.model import define, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Self

SOCKET: Final = "monitor.sock"
EXIT_FILE: Final = "exit"

_REPLY = struct.Struct("=iiiiqII")
_MOST_DESCRIPTORS = 5
_TIMEOUT = 10.0
"""Seconds. A monitor answers at once unless it is stopped or the machine is out of everything."""


@frozen
class ExitRecord:
    """How a process ended: ``status`` as wait(2) encodes it, ``time`` in nanoseconds of CLOCK_REALTIME."""

    status: int
    time: int


@frozen
class MonitorInfo:
    """What a monitor has. The descriptors are new, and the receiver's to close: the write end of its stdin, the read ends of its stdout
    and stderr, the master of its terminal, None for what isn't held."""

    pid: int
    exited: ExitRecord | None
    stdin: int | None
    stdout: int | None
    stderr: int | None
    console: int | None


@define(eq=False)
class MonitorClient:
    """A connection to one monitor; a context manager that closes it. Not for several threads at once."""

    _connection: socket.socket
    _directory: int

    @classmethod
    def connect(cls, directory: int) -> Self:
        """``directory``: descriptor of the state directory. Raises ProcessGone if no monitor listens there."""
        connection = _connect(directory)
        try:
            return cls(connection, os.dup(directory))
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """The monitor stays."""
        if self._directory >= 0:
            self._connection.close()
            os.close(self._directory)
            self._directory = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def info(self) -> MonitorInfo:
        """The process, and new descriptors of all that the monitor holds."""
        with _answering():
            self._connection.send(b"I")
            data, fds, _, _ = socket.recv_fds(self._connection, _REPLY.size, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        pid, exited, mask = _parse(data)
        descriptors = iter(fds)
        places = [next(descriptors, None) if mask >> bit & 1 else None for bit in range(_MOST_DESCRIPTORS)]
        pidfd, stdin, stdout, stderr, console = places
        if pidfd is not None:
            os.close(pidfd)  # nobody needs it here: an Identity opens its own
        return MonitorInfo(pid, exited, stdin, stdout, stderr, console)

    def close_stdin(self) -> None:
        """Close the monitor's write end of stdin: the process sees the end of its input once nobody else has one."""
        with _answering():
            self._connection.send(b"C")
            data = self._connection.recv(_REPLY.size)
        _parse(data)

    def wait_fd(self) -> int:
        """A new descriptor, the caller's to close, that is readable once the process has ended; then give it to ``read_record``."""
        with _connect(self._directory) as connection, _answering():
            connection.send(b"W")
            connection.setblocking(True)
            return connection.detach()

    def release(self) -> None:
        """End the monitor. Raises InvalidState while the process lives."""
        with _answering():
            self._connection.send(b"R")
            data = self._connection.recv(_REPLY.size)
        if data and _REPLY.unpack(data)[0]:
            raise InvalidState("its process", "running", "release the monitor of")


def read_record(wait_fd: int) -> ExitRecord:
    """What arrived at a descriptor of ``wait_fd``. Raises ProcessGone if the monitor was killed."""
    _, exited, _ = _parse(os.read(wait_fd, _REPLY.size))
    if exited is None:
        raise ProcessGone("the monitor ended before its process did")
    return exited


def read_exit(directory: int) -> ExitRecord | None:
    """The exit file in the state directory; None if there is none (yet). Raises StateError if it is damaged."""
    try:
        fd = os.open(EXIT_FILE, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    except FileNotFoundError:
        return None
    with open(fd, encoding="ascii") as file:
        fields = file.read(64).split()
    try:
        status, time = map(int, fields)
    except ValueError:
        raise StateError(EXIT_FILE, "not a wait status and a time") from None
    return ExitRecord(status, time)


def _connect(directory: int) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(_TIMEOUT)
        # By the directory's descriptor: its path may be too long for a socket address.
        connection.connect(f"/proc/self/fd/{directory}/{SOCKET}")
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        raise ProcessGone("no monitor listens: it was released, or killed") from None
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _answering() -> Iterator[None]:
    """A monitor that ends between connect(2) and send(2), or before it has read, as one whose process has ended does."""
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        raise ProcessGone("the monitor ended before it answered") from None


def _parse(data: bytes) -> tuple[int, ExitRecord | None, int]:
    if len(data) != _REPLY.size:
        raise ProcessGone("the monitor ended before it answered")
    _, pid, ended, status, time, mask, _ = _REPLY.unpack(data)
    return pid, ExitRecord(status, time) if ended else None, mask
