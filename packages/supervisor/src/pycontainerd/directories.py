"""The directories of a supervisor: made, looked at before anything in them is believed, and locked."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from pycontainerd.errors import StoreInUse, StoreNotOurs, StoreReadOnly

_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_PATIENCE = 0.5
"""Seconds."""


def prepare(directory: Path) -> None:
    """Make it if it is not there. StoreReadOnly, StoreNotOurs; OSError for what else keeps it from being used."""
    with _writable(directory):
        directory.mkdir(parents=True, exist_ok=True, mode=0o711)
    _check(directory, directory.stat())


def check_file(path: Path) -> None:
    """A file in there that is believed: it must be nobody else's either. One that is not there yet is fine. StoreNotOurs."""
    with contextlib.suppress(FileNotFoundError):
        _check(path, path.lstat())


def _check(path: Path, found: os.stat_result) -> None:
    """Whoever may write there decides what runs as root here, and what is deleted."""
    if found.st_uid != os.geteuid():
        advice = f"choose another directory, or if all of it is yours: chown -R {os.geteuid()} {path}"
        raise StoreNotOurs(f"{path}: belongs to user {found.st_uid}, and this is user {os.geteuid()}; {advice}")
    if stat.S_IMODE(found.st_mode) & stat.S_IWOTH:
        advice = f"choose another directory, or if nobody else has used it: chmod o-w {path}"
        raise StoreNotOurs(f"{path}: everybody may write to it; {advice}")


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One supervisor at a time for each directory. The kernel unlocks when the process dies. StoreInUse, StoreReadOnly."""
    with _writable(directory):
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if not _lock(descriptor):
            advice = "close that one, or choose another directory"
            raise StoreInUse(f"{directory}: another supervisor has it open; {advice}")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """A program that was killed while it started another one has left that with all its descriptors, until its execve(2) closes them."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        else:
            return True


@contextlib.contextmanager
def _writable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        advice = "mount it writable, or choose another directory" if error.errno == errno.EROFS else "run as root"
        raise StoreReadOnly(f"{directory}: cannot be written to: {error.strerror}; {advice}") from error
