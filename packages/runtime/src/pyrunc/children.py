"""The children that nobody waits for: monitors, and execs whose objects are gone. Only their parent can reap them, whoever ended them.

A monitor ends when its container is deleted, which may be done by another process: then it is a zombie of this one until the next
``sweep``. Every launch, wait and delete sweeps, so a long-lived program collects no zombies; one that stops using pyrunc may call it.
"""

from __future__ import annotations

import os
import select
from _thread import RLock  # threading's own: its import takes longer than a sweep
from contextlib import suppress

from pyrunc.model import define, field
from pyrunc.processes import WALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


@define
class _Children:
    """pidfds by pid, and an epoll of them: a host may have hundreds of monitors, and each launch asks for those that have ended. The lock
    is held over wait and close, or the number of a closed pidfd could be somebody else's by then."""

    pidfds: dict[int, int] = field(factory=dict)
    epoll: select.epoll | None = None
    lock: RLock = field(factory=RLock)  # reentrant: a finalizer may adopt in the middle of a sweep

    def add(self, pid: int, pidfd: int) -> None:
        self.epoll = self.epoll or select.epoll()
        self.epoll.register(pidfd, select.EPOLLIN)
        self.pidfds[pid] = pidfd

    def remove(self, pid: int) -> None:
        pidfd = self.pidfds.pop(pid)
        assert self.epoll is not None
        self.epoll.unregister(pidfd)
        os.close(pidfd)
        if not self.pidfds:
            self.epoll.close()
            self.epoll = None

    def ended(self) -> list[int]:
        """Without waiting."""
        if self.epoll is None:
            return []
        ready = {descriptor for descriptor, _ in self.epoll.poll(0)}
        return [pid for pid, pidfd in self.pidfds.items() if pidfd in ready] if ready else []


_children: Final = _Children()


def adopt(pid: int, pidfd: int) -> None:
    """Reap the child once it has ended. The descriptor is taken over."""
    with _children.lock:
        if pid in _children.pidfds:  # reaped by a waitpid(-1) of the host program, and its pid used again
            _children.remove(pid)
        _children.add(pid, pidfd)


def sweep() -> None:
    """Reap those that have ended; never waits."""
    with _children.lock:
        for pid in _children.ended():
            with suppress(ChildProcessError):  # somebody else was faster
                os.waitid(os.P_PIDFD, _children.pidfds[pid], os.WEXITED | os.WNOHANG | WALL)
            _children.remove(pid)


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


def _forget() -> None:
    """In a fork of the host program: they are not its children, and the lock may have been held by a thread that is not there."""
    _children.lock = RLock()
    if _children.epoll is not None:
        _children.epoll.close()
        _children.epoll = None
    for pidfd in _children.pidfds.values():
        with suppress(OSError):
            os.close(pidfd)
    _children.pidfds.clear()


os.register_at_fork(after_in_child=_forget)
