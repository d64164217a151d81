"""Pipes of processes that are watched or fed: as wide as pays."""

from __future__ import annotations

import contextlib
import fcntl
from typing import Final

WIDE: Final = 256 << 10
"""Bytes: four times what the kernel gives a pipe at first, and more moves in each step."""


def widen(fd: int) -> None:
    """Make a pipe wide, by either end. A terminal cannot be; nor can a pipe where its user has too many wide ones already (pipe(7), pipe-user-pages-soft)."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, WIDE)
