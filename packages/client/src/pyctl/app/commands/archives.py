"""The archive that ``load`` and ``import`` send: a file, or standard input."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import IO

from pyctl.errors import InvalidUsage


def opened(path: str | None, stack: ExitStack) -> IO[bytes]:
    """Open a file for the time of the stack; None is standard input. Raises `InvalidUsage` when it cannot be opened."""
    if path is None:
        return sys.stdin.buffer
    try:
        return stack.enter_context(open(path, "rb"))
    except OSError as error:
        raise InvalidUsage(f"open {path}: {(error.strerror or '').lower()}") from None
