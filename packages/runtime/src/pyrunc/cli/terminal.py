"""Between the caller's terminal and the container's: bytes both ways, in raw mode, and the window's size."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from pyrunc.errors import PyruncError
from pyrunc.model import define
from pyrunc.stdio import Streams, set_window_size

_STDIN, _STDOUT = 0, 1
_CHUNK = 65536
_ENOUGH = 65536
"""Bytes typed ahead that wait for the container to read them; until it does, no more are taken."""


@define
class Relay:
    """Standard input to ``master``, ``master`` to standard output. What the container does not read yet waits in ``_typed``."""

    _master: int
    _typed: bytes = b""
    _input_ended: bool = False

    @classmethod
    @contextmanager
    def between(cls, streams: Streams) -> Iterator[Relay]:
        """Takes over the terminal of ``streams``, and puts the caller's into raw mode for as long as the block runs."""
        with ExitStack() as stack:
            stack.enter_context(streams)
            if streams.console is None:
                raise PyruncError("the process has no terminal that could be connected")
            os.set_blocking(streams.console, False)
            relay = cls(streams.console)
            relay.resize()
            _make_raw(stack)
            yield relay

    def resize(self) -> None:
        """Give the container's terminal the size of the caller's, if that is one."""
        with suppress(OSError):
            size = os.get_terminal_size(_STDIN)
            set_window_size(self._master, size.lines, size.columns)

    def register(self, poll: select.poll) -> None:
        """Wait for what can be done next."""
        poll.register(self._master, select.POLLIN | (select.POLLOUT if self._typed else 0))
        if not self._input_ended and len(self._typed) < _ENOUGH:
            poll.register(_STDIN, select.POLLIN)
        else:
            with suppress(KeyError):
                poll.unregister(_STDIN)

    def turn(self, events: Mapping[int, int]) -> None:
        """Move what is there."""
        if _STDIN in events:
            self._read_input()
        if self._typed and events.get(self._master, 0) & select.POLLOUT:
            self._write_input()
        if events.get(self._master, 0) & select.POLLIN:
            self._copy_output()

    def _read_input(self) -> None:
        try:
            typed = os.read(_STDIN, _CHUNK)
        except OSError:
            typed = b""
        self._typed += typed
        self._input_ended = not typed

    def _write_input(self) -> None:
        with suppress(BlockingIOError, OSError):  # the other side may be gone
            written = os.write(self._master, self._typed)
            self._typed = self._typed[written:]

    def _copy_output(self) -> bool:
        """Whether there was any. A terminal that nobody holds open any more says EIO instead of ending."""
        try:
            output = os.read(self._master, _CHUNK)
        except OSError:
            return False
        while output:
            output = output[os.write(_STDOUT, output) :]
        return True

    def drain(self) -> None:
        """What was written before the end, and not yet read."""
        while self._copy_output():
            pass


def _make_raw(stack: ExitStack) -> None:
    if not os.isatty(_STDIN):
        return
    import termios
    import tty

    before = termios.tcgetattr(_STDIN)
    stack.callback(termios.tcsetattr, _STDIN, termios.TCSADRAIN, before)
    # Output too: line ends become CR LF in the container's terminal. (runc turns that off there and leaves it on here, which an exec
    # may notice: its program runs by then.)
    tty.setraw(_STDIN)
