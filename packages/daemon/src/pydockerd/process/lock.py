"""One daemon a data root: an flock(2) that goes with the process, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pydockerd.errors import StartupError


@contextlib.contextmanager
def data_root_lock(data_root: Path) -> Iterator[None]:
    """Hold the lock while inside; the directory is made. Raises StartupError when another daemon has it."""
    data_root.mkdir(parents=True, exist_ok=True, mode=0o711)
    fd = os.open(data_root / "pydockerd.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(f"--data-root {data_root}: another pydockerd uses it") from None
        yield
    finally:
        os.close(fd)
