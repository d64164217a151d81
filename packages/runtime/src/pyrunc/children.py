"""The children that nobody waits for: monitors, and execs whose objects are gone. Only their parent can reap them, whoever ended them.

A monitor ends when its container is deleted, which may be done by another process: then it is a zombie of this one until the next
``sweep``. Every launch, wait and delete sweeps, so a long-lived program collects no zombies; one that stops using pyrunc may call it.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from typing import Final

from attrs import define, field

from pyrunc.processes import WALL


@define
class _Children:
    """pidfds by pid. The lock is held over close and wait, or the number of a closed pidfd could be somebody else's by then."""

    pidfds: dict[int, int] = field(factory=dict)
    lock: threading.RLock = field(factory=threading.RLock)  # reentrant: a finalizer may adopt in the middle of a sweep


_children: Final = _Children()


def adopt(pid: int, pidfd: int) -> None:
    """Reap the child once it has ended. The descriptor is taken over."""
    with _children.lock:
        stale = _children.pidfds.pop(pid, None)  # reaped by a waitpid(-1) of the host program, and its pid used again
        _children.pidfds[pid] = pidfd
        if stale is not None:
            os.close(stale)


def sweep() -> None:
    """Reap those that have ended; never waits."""
    with _children.lock:
        for pid, pidfd in tuple(_children.pidfds.items()):
            if _reaped(pidfd):
                del _children.pidfds[pid]
                os.close(pidfd)


def reap(pid: int, patience: float = 1.0) -> None:
    """Wait ``patience`` seconds for the child to end, and reap it. Nothing to do if it was not adopted here."""
    with _children.lock:
        pidfd = _children.pidfds.get(pid)
        descriptor = None if pidfd is None else os.dup(pidfd)
    if descriptor is None:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(patience * 1000)
    finally:
        os.close(descriptor)
    sweep()


def _reaped(pidfd: int) -> bool:
    try:
        return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | WALL) is not None
    except ChildProcessError:
        return True  # somebody else was faster


def _forget() -> None:
    """In a fork of the host program: they are not its children, and the lock may have been held by a thread that is not there."""
    _children.lock = threading.RLock()
    for pidfd in _children.pidfds.values():
        with suppress(OSError):
            os.close(pidfd)
    _children.pidfds.clear()


os.register_at_fork(after_in_child=_forget)
