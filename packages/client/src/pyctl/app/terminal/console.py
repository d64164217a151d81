"""The terminal this command runs under: whether there is one, its size, raw mode while a container has it."""

from __future__ import annotations

import contextlib
import os
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from pyctl.errors import InvalidUsage

STDIN, STDOUT = 0, 1


def size() -> tuple[int, int] | None:
    """Rows and columns of the terminal on standard output; None when that is no terminal or does not know its size."""
    try:
        columns, rows = os.get_terminal_size(STDOUT)
    except OSError:
        return None
    return (rows, columns) if rows and columns else None


def check_input(*, attached: bool, wants_tty: bool) -> None:
    """Raise `InvalidUsage` when the container's terminal would be fed from something that is none."""
    if attached and wants_tty and not os.isatty(STDIN):
        raise InvalidUsage("the input device is not a TTY")


@contextmanager
def raw() -> Iterator[None]:
    """Hand every key to the container while the body runs; the terminal is as before afterwards, whatever happens.

    Nothing is done when standard input is no terminal.
    """
    if not os.isatty(STDIN):
        yield
        return
    before = termios.tcgetattr(STDIN)
    handlers = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        # Now, not after flushing: what the user typed ahead belongs to the container's shell.
        tty.setraw(STDIN, termios.TCSANOW)
        yield
    finally:
        with contextlib.suppress(termios.error):  # it may be gone, when SIGHUP came
            termios.tcsetattr(STDIN, termios.TCSANOW, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End through the context managers: the signal itself would leave the user with a raw terminal."""
    raise SystemExit(128 + number)
