"""The terminal this command runs under: whether there is one, its size, raw mode while a container has it."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

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
    # Now, not after flushing: what the user typed ahead belongs to the container's shell.
    tty.setraw(STDIN, termios.TCSANOW)
    try:
        yield
    finally:
        sys.stdout.flush()
        termios.tcsetattr(STDIN, termios.TCSANOW, before)
