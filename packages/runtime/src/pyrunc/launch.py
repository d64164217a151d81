"""launch(): from a Plan to a process. Starts pyrunc-init from a sealed memfd and listens until the process is made, or is not.

What passes over the sync socket is described in native/plan.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
from _thread import LockType, allocate_lock
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from pyrunc import _native
from pyrunc.children import adopt, sweep
from pyrunc.encode import encode
from pyrunc.errors import LaunchFailed, OperationFailed, ProcessGone
from pyrunc.model import define, field, frozen
from pyrunc.plan import Plan
from pyrunc.processes import WALL
from pyrunc.signals import SIGKILL, pidfd_send_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

START_FIFO: Final = "start"
STARTED_FIFO: Final = "started"

_ERROR, _PID, _READY, _SYNC, _CONSOLE, _LISTENER, _BORN = range(1, 8)
_NO_OPERATION = 0xFFFFFFFF
_MESSAGE = struct.Struct("=IIiiq")
_MESSAGE_SIZE = 256
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_MFD_EXEC = 0x10
"""Linux 6.3; not in os. Needed where vm.memfd_noexec is set."""


@frozen
class MonitorFiles:
    """What a monitor needs: the state directory, where it puts ``exit`` and ``monitor.sock``, and the stdio ends it is to hold.

    ``hold``: write end of stdin, read ends of stdout and stderr, -1 for one that isn't there. ``restores``: the program only makes the process that
    is to be monitored, as its own sibling, and leaves its pid in the file ``restored``.
    """

    directory: int
    hold: tuple[int, int, int] = (-1, -1, -1)
    restores: bool = False


@frozen
class Launched:
    """A process that waits for start or, without a WaitStart in its plan, runs.

    The descriptors are the receiver's to close. ``pid`` is in the caller's pid namespace. Without a monitor the process is the
    caller's child and ``parent_pid`` and ``parent_pidfd`` are -1; with one they are the monitor's, the caller's child.
    """

    pid: int
    pidfd: int
    parent_pid: int
    parent_pidfd: int
    console: int | None
    seccomp_listener: int | None


def launch(
    plan: Plan,
    *,
    stdio: tuple[int, int, int],
    fds: Sequence[int] = (),
    monitor: MonitorFiles | None = None,
    on_sync: Callable[[str, int], None] | None = None,
    on_listener: Callable[[int, int], None] | None = None,
    preserve: Sequence[int] = (),
    label: str = "",
) -> Launched:
    """Make the process of ``plan``.

    ``stdio`` become its 0, 1, 2 and ``preserve`` its 3 and up; slot i of the plan is ``fds[i]``; all stay the caller's to close.
    ``on_listener(descriptor, pid)`` runs when a filter that asks is loaded, before the process makes its next system call, which may be
    the first that waits for an answer. ``on_sync(point, pid)`` runs at each Sync operation while the process waits; if it raises, the launch is given up and what
    it raised is raised on. ``label`` is what ps shows after pyrunc-init's role: the container's id.

    Returns once the process waits for start or, where the plan has no WaitStart, once execve has succeeded. Raises OperationFailed,
    or LaunchFailed if pyrunc-init could not be started or died; then nothing of it is left.
    """
    sweep()
    with ExitStack() as stack:
        channel = _Channel.open(stack)
        try:
            pid, pidfd = _spawn(plan, channel.theirs, stdio, fds, monitor, preserve, label)
        finally:
            os.close(channel.theirs)
        attempt = _Attempt(plan, channel, pid, pidfd, on_sync, on_listener)
        try:
            attempt.follow()
        except BaseException:
            attempt.undo(monitor)
            raise
        return attempt.succeed(monitored=monitor is not None)


def start_gate(directory: int, plan: Callable[[], Plan] | None = None) -> None:
    """Let the process that waits in its WaitStart go on to its execve, and wait until it has got there.

    ``directory``: descriptor of the state directory with the two fifos, which are gone afterwards. ``plan`` is only called
    on failure, to name the operation. Raises ProcessGone if no process waits, OperationFailed if one did but failed to execute.
    """
    with ExitStack() as stack:
        started = _open_fifo(STARTED_FIFO, os.O_RDONLY | os.O_NONBLOCK, directory, stack)
        start = _open_fifo(START_FIFO, os.O_WRONLY | os.O_NONBLOCK, directory, stack)
        os.write(start, b"\0")
        os.set_blocking(started, True)
        report = os.read(started, _MESSAGE_SIZE)
    for name in (START_FIFO, STARTED_FIFO):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
    if report:
        raise _failure(report, plan() if plan else Plan(()))


def _open_fifo(name: str, flags: int, directory: int, stack: ExitStack) -> int:
    try:
        fd = os.open(name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT):  # no reader, or started before
            raise ProcessGone("no process waits to be started") from None
        raise
    stack.callback(os.close, fd)
    return fd


# -- the program -------------------------------------------------------------------------------------------------------------------


@define
class _Program:
    """The one sealed memfd of pyrunc-init that this process has: no container can reach a file of the host through /proc/self/exe
    (CVE-2019-5736), and all monitors share its pages."""

    fd: int = -1
    lock: LockType = field(factory=allocate_lock)

    def open(self) -> int:
        with self.lock:
            if self.fd < 0:
                self.fd = _sealed("pyrunc-init", _read_program(), _MFD_EXEC)
            return self.fd


_program = _Program()


def _read_program() -> bytes:
    try:
        with open(os.path.join(os.path.dirname(__file__), "_bin", "pyrunc-init"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise LaunchFailed("pyrunc-init is missing from the installed package: install pyrunc again") from None


def _sealed(name: str, data: bytes, flags: int = 0) -> int:
    """A memfd that nobody can change any more."""
    wanted = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create(name, wanted | flags)
    except OSError as error:
        if error.errno != errno.EINVAL or not flags:  # before Linux 6.3
            raise
        fd = os.memfd_create(name, wanted)
    try:
        written = os.write(fd, data)
        if written != len(data):
            raise LaunchFailed(f"only {written} of {len(data)} bytes of {name} fit into memory")
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _spawn(
    plan: Plan,
    sync: int,
    stdio: tuple[int, int, int],
    fds: Sequence[int],
    monitor: MonitorFiles | None,
    preserve: Sequence[int],
    label: str,
) -> tuple[int, int]:
    """Start pyrunc-init; its pid and pidfd."""
    hold = sum(1 << i for i, fd in enumerate(monitor.hold) if fd >= 0) if monitor else 0
    restore = monitor is not None and monitor.restores
    data = encode(plan, slots=len(fds), preserve=len(preserve), monitor=monitor is not None, restore=restore, hold=hold)
    exe = _program.open()
    with ExitStack() as stack:
        memory = _sealed("plan", data)
        stack.callback(os.close, memory)
        watch: list[int] = []
        if monitor:
            # Opened anew: a flock(2) belongs to the open file, and the monitor would keep the caller's for as long as it lives.
            directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=monitor.directory)
            stack.callback(os.close, directory)
            # The place of an end that isn't held is taken by something harmless: the numbers are fixed.
            watch = [directory, *(fd if fd >= 0 else sync for fd in monitor.hold)]
        table = [*stdio, *preserve, sync, memory, *watch, *fds]
        pidfd = _native.ffi.new("int *")
        title = f"pyrunc-init: starter {label}".encode("utf-8", "surrogateescape")
        first = str(3 + len(preserve)).encode()
        pid = _native.lib.pyrunc_spawn(exe, _native.ffi.new("int[]", table), len(table), title, first, pidfd)
    if pid < 0:
        raise LaunchFailed(f"pyrunc-init could not be started: {os.strerror(-pid)}")
    return pid, pidfd[0]


# -- following it ------------------------------------------------------------------------------------------------------------------


@define
class _Channel:
    """The sync socket. ``theirs`` is pyrunc-init's end, to be closed once that has it."""

    ours: int
    theirs: int
    buffer: Any
    received: Any

    @classmethod
    def open(cls, stack: ExitStack) -> _Channel:
        """``stack`` closes our end."""
        ends = _native.ffi.new("int[2]")
        failed = _native.lib.pyrunc_channel(ends)
        if failed:
            raise OSError(-failed, os.strerror(-failed))
        channel = cls(ends[0], ends[1], _native.ffi.new("char[]", _MESSAGE_SIZE), _native.ffi.new("int *"))
        stack.callback(channel.close)
        return channel

    def receive(self) -> tuple[bytes, int]:
        """The next message, empty at the end, and the descriptor that came with it or -1."""
        while True:
            size = _native.lib.pyrunc_receive(self.ours, self.buffer, _MESSAGE_SIZE, self.received)
            if size >= 0:
                return _native.ffi.unpack(self.buffer, size), self.received[0]
            if size == -errno.ECONNRESET:  # an end, too: it died with an answer of ours unread
                return b"", -1
            if size != -errno.EINTR:
                raise OSError(-size, os.strerror(-size))

    def answer(self) -> None:
        """Let the process go on. Raises LaunchFailed."""
        try:
            os.write(self.ours, b"\0")
        except (BrokenPipeError, ConnectionResetError):
            raise LaunchFailed("pyrunc-init ended while it waited for its caller: was it killed?") from None

    def close(self) -> None:
        """May be called again."""
        if self.ours >= 0:
            ours, self.ours = self.ours, -1
            os.close(ours)


@define
class _Attempt:
    """One launch while it lasts: what has been heard from pyrunc-init so far."""

    plan: Plan
    channel: _Channel
    parent_pid: int
    parent_pidfd: int
    on_sync: Callable[[str, int], None] | None
    on_listener: Callable[[int, int], None] | None = None
    pid: int = -1
    pidfd: int = -1
    ready: bool = False
    born: tuple[int, int] | None = None
    """The pid and pidfd of who has taken the process's place (BeBorn)."""
    console: int | None = None
    listener: int | None = None
    waiting: list[bytes] = field(factory=list)

    def follow(self) -> None:
        """Until the other end is closed: by execve, or by WaitStart once it has reported."""
        while True:
            message, fd = self.channel.receive()
            if not message:
                break
            self._take(message, fd)
        if not self.ready or self.pid < 0:
            raise LaunchFailed("pyrunc-init ended without a report: was it killed?")

    def _take(self, message: bytes, fd: int) -> None:
        kind, _, _, _, value = _MESSAGE.unpack_from(message)
        if kind == _PID:
            self.pid, self.pidfd = value, fd
            for question in self.waiting:
                self._answer(question)
        elif kind == _BORN:
            self.born = (value, fd)
        elif kind == _READY:
            self.ready = True
        elif kind == _CONSOLE:
            self.console = fd
        elif kind in (_SYNC, _LISTENER):
            # The process may be faster than its parent, who tells its pid.
            self._answer(message) if self.pid >= 0 else self.waiting.append(message)
        else:
            raise _failure(message, self.plan)

    def _answer(self, question: bytes) -> None:
        kind, index, _, _, value = _MESSAGE.unpack_from(question)
        if kind == _LISTENER:
            self.listener = _native.lib.pyrunc_pidfd_getfd(self.pidfd, value)
            if self.listener < 0:
                code, self.listener = -self.listener, None
                raise LaunchFailed(f"the seccomp listener could not be fetched: {os.strerror(code)}")
            if self.on_listener is not None:
                self.on_listener(self.listener, self.pid)
        elif self.on_sync is not None:
            self.on_sync(getattr(self.plan.operations[index], "point", ""), self.pid)
        self.channel.answer()

    def _find_process(self) -> None:
        """It may have failed before its parent told who it is, and without knowing that we could not reap it. The parent does not wait
        for anything before it tells, so neither does this for long."""
        while self.pid < 0:
            message, fd = self.channel.receive()
            if not message:
                return
            kind, _, _, _, value = _MESSAGE.unpack_from(message)
            if kind == _PID:
                self.pid, self.pidfd = value, fd
            elif kind == _BORN:
                self.born = (value, fd)
            elif fd >= 0:
                os.close(fd)

    def succeed(self, *, monitored: bool) -> Launched:
        if self.born is not None:
            if not monitored:
                _reap(self.pidfd)
            os.close(self.pidfd)
            self.pid, self.pidfd = self.born
        parent = (self.parent_pid, self.parent_pidfd)
        if monitored:
            adopt(self.parent_pid, os.dup(self.parent_pidfd))
        else:
            _reap(self.parent_pidfd)
            os.close(self.parent_pidfd)
            parent = (-1, -1)
        return Launched(self.pid, self.pidfd, *parent, self.console, self.listener)

    def undo(self, monitor: MonitorFiles | None) -> None:
        """Nothing stays: neither process nor descriptor nor the monitor's files."""
        with suppress(OSError):
            self._find_process()
        self.channel.close()
        for pidfd in (*([self.born[1]] if self.born else ()), self.pidfd, self.parent_pidfd):
            if pidfd >= 0:
                _end(pidfd)
        for fd in (self.console, self.listener):
            if fd is not None and fd >= 0:
                os.close(fd)
        for name in ("monitor.sock", "exit", "exit.new") if monitor else ():
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=monitor.directory if monitor else None)


def _failure(message: bytes, plan: Plan) -> LaunchFailed:
    _, index, code, _, _ = _MESSAGE.unpack_from(message)
    detail = message[_MESSAGE.size :].decode("utf-8", "replace")
    if index < len(plan.operations):
        return OperationFailed.of(index, plan.operations[index], code, detail)
    return LaunchFailed(f"pyrunc-init: {detail}: {os.strerror(code)}")


def _end(pidfd: int) -> None:
    """Kill it, wait until it is gone, close the descriptor."""
    with suppress(ProcessLookupError):
        pidfd_send_signal(pidfd, SIGKILL)
    _wait(pidfd)
    _reap(pidfd)
    os.close(pidfd)


def _wait(pidfd: int) -> None:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.poll()


def _reap(pidfd: int) -> None:
    """ECHILD: somebody else's child (a monitor's), or a waitpid(-1) of the host program was faster."""
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | WALL)
