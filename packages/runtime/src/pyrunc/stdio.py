"""Where a container's standard input, output and error come from and go to."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from stat import S_ISFIFO

from pyrunc.model import define, frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal, Self

NONE = -1
"""A descriptor that is not there."""


@frozen
class Stdio:
    """How to connect a process; made by one of the four constructors. With ``process.terminal`` all of it is the terminal instead."""

    kind: Literal["inherit", "null", "pipes", "fds"]
    stdin: bool = False
    descriptors: tuple[int, int, int] = (0, 1, 2)

    @classmethod
    def inherit(cls) -> Stdio:
        """The caller's own three."""
        return cls("inherit")

    @classmethod
    def null(cls) -> Stdio:
        """Nothing to read, and what is written is lost: /dev/null."""
        return cls("null")

    @classmethod
    def pipes(cls, stdin: bool = False) -> Stdio:
        """A pipe for each of output and error, and with ``stdin`` for input (else /dev/null).

        The other ends are got by ``streams()``: from the monitor, by any process and any number of times, or, without a monitor, once
        and only from the object that ``create`` or ``exec`` returned.
        """
        return cls("pipes", stdin)

    @classmethod
    def fds(cls, stdin: int, stdout: int, stderr: int) -> Stdio:
        """The caller's descriptors; they stay the caller's to close."""
        return cls("fds", descriptors=(stdin, stdout, stderr))


@define
class Streams:
    """The caller's ends: ``stdin`` to write, ``stdout`` and ``stderr`` to read, or ``console``, a terminal's master; None where there is none.

    Descriptors of the caller's own. A context manager that closes them.
    """

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    console: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close those that are still here. May be called again."""
        open_ones = [end for end in (self.stdin, self.stdout, self.stderr, self.console) if end is not None]
        self.stdin = self.stdout = self.stderr = self.console = None
        for descriptor in open_ones:
            os.close(descriptor)


@frozen
class Ends:
    """``process`` becomes 0, 1, 2 of the container process. ``caller`` are the other ends of its pipes, or NONE."""

    process: tuple[int, int, int]
    caller: tuple[int, int, int] = (NONE, NONE, NONE)


def connect(stdio: Stdio, stack: ExitStack) -> Ends:
    """Open what ``stdio`` asks for. Every descriptor that this opens is closed by ``stack``."""
    if stdio.kind == "null":
        null = _null(stack)
        return Ends((null, null, null))
    if stdio.kind != "pipes":
        return Ends(stdio.descriptors)
    stdin, stdin_write = _pipe(stack) if stdio.stdin else (_null(stack), NONE)
    stdout_read, stdout = _pipe(stack)
    stderr_read, stderr = _pipe(stack)
    return Ends((stdin, stdout, stderr), (stdin_write, stdout_read, stderr_read))


def _null(stack: ExitStack) -> int:
    descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _pipe(stack: ExitStack) -> tuple[int, int]:
    read, write = os.pipe2(os.O_CLOEXEC)
    stack.callback(os.close, read)
    stack.callback(os.close, write)
    return read, write


def give_pipes(descriptors: tuple[int, int, int], owner: int) -> None:
    """Let ``owner`` (a uid of the machine) open /dev/stdout: a pipe belongs to who has made it, and is opened anew by nobody else.

    As runc does, but for files and terminals, which are the caller's own. Where the caller may not, it stays as it is.
    """
    for descriptor in descriptors:
        found = os.fstat(descriptor)
        if found.st_uid != owner and S_ISFIFO(found.st_mode):
            with suppress(PermissionError):
                os.fchown(descriptor, owner, -1)


def kept(ends: Ends) -> Streams:
    """The caller's ends as descriptors that outlive the stack of ``connect``."""
    stdin, stdout, stderr = (None if end == NONE else os.dup(end) for end in ends.caller)
    return Streams(stdin, stdout, stderr)


def send_console(socket_path: str, console: int) -> None:
    """Hand the terminal's master to whoever listens at ``socket_path``, as runc does for ``--console-socket``. Raises OSError."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(socket_path)
        socket.send_fds(connection, [b"/dev/ptmx"], [console])


def set_window_size(console: int, rows: int, columns: int) -> None:
    """ioctl_tty(2), TIOCSWINSZ: the processes of the terminal's foreground group get SIGWINCH."""
    import termios

    termios.tcsetwinsize(console, (rows, columns))
