"""The pid file: says which process is the daemon, for scripts and init systems."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydockerd.errors import StartupError


@contextlib.contextmanager
def pidfile(path: Path | None) -> Iterator[None]:
    """Hold the pid file while inside. Raises StartupError when a living daemon holds it; a dead one's is replaced."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_living(path)
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        if _recorded(path) == os.getpid():
            path.unlink(missing_ok=True)


def _refuse_living(path: Path) -> None:
    pid = _recorded(path)
    # a pid is reused sooner or later: only a process that is a daemon of ours is in the way
    if pid is not None and pid != os.getpid() and b"pydockerd" in _command_line(pid):
        raise StartupError(f"pid file {path}: pydockerd runs already, as process {pid}")


def _recorded(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
