"""A container's process that the caller waits for: signals are passed on to it, and its terminal is served."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from pyrunc.errors import InvalidState, ProcessGone
from pyrunc.model import define, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Protocol

    from pyrunc.cli.terminal import Relay
    from pyrunc.processes import ExitStatus
    from pyrunc.stdio import Streams

    class Process(Protocol):
        """A Container or an ExecProcess."""

        def kill(self, signal: int | str) -> None: ...
        def wait(self) -> ExitStatus: ...
        def exit_fd(self) -> int: ...
        def streams(self) -> Streams: ...
else:
    import _signal as signal  # see pyrunc.signals


_NOT_PASSED_ON = frozenset(
    {
        *(signal.SIGKILL, signal.SIGSTOP),  # cannot be caught
        *(
            signal.SIGSEGV,
            signal.SIGBUS,
            signal.SIGFPE,
            signal.SIGILL,
            signal.SIGTRAP,
            signal.SIGSYS,
        ),  # faults of our own
        *(signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG, signal.SIGWINCH),  # about ourselves
    }
)


@define
class Foreground:
    """Begun before the container is made, so that no signal is lost that arrives meanwhile."""

    _signals: int
    """Read end: the number of each signal that has arrived, as a byte."""
    _terminal: bool
    _stack: ExitStack = field(repr=False)
    _relay: Relay | None = None

    @classmethod
    @contextmanager
    def begin(cls, *, terminal: bool) -> Iterator[Foreground]:
        """``terminal``: the process will have one."""
        with ExitStack() as stack:
            yield cls(_catch_signals(stack), terminal, stack)

    def attach(self, process: Process) -> None:
        """Connect the caller's terminal with that of the process, which has not begun to run."""
        if self._terminal:
            from pyrunc.cli.terminal import Relay

            self._relay = self._stack.enter_context(Relay.between(process.streams()))

    def follow(self, process: Process) -> int:
        """Serve the process until it has ended and all it wrote is written. Returns its exit code."""
        ended = process.exit_fd()
        self._stack.callback(os.close, ended)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while True:
            if self._relay is not None:
                self._relay.register(poll)
            events = dict(poll.poll())
            if self._signals in events:
                self._pass_on(process)
            if self._relay is not None:
                self._relay.turn(events)
            if ended in events:
                break
        if self._relay is not None:
            self._relay.drain()
        return process.wait().code

    def _pass_on(self, process: Process) -> None:
        for number in os.read(self._signals, 64):
            if number == signal.SIGWINCH:
                if self._relay is not None:
                    self._relay.resize()
            elif number not in _NOT_PASSED_ON:
                with suppress(ProcessGone, InvalidState):
                    process.kill(number)


def _catch_signals(stack: ExitStack) -> int:
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    stack.callback(os.close, read)
    stack.callback(os.close, write)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    stack.callback(signal.set_wakeup_fd, before)
    for number in (signal.valid_signals() - _NOT_PASSED_ON) | {signal.SIGWINCH}:
        with suppress(OSError):  # those that a thread library keeps for itself
            stack.callback(signal.signal, number, signal.signal(number, _written_down))
    return read


def _written_down(number: int, frame: object) -> None:
    """The wakeup descriptor has the number by now; a handler is only needed for the signal not to do what it would."""
