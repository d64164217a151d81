"""One thread that moves what processes write to their logs and their watchers.

The event loop must not wait for a disk, and a thread for each container would be a thread too many: so one thread waits with
epoll(7) on the pipes of all of them.
"""

from __future__ import annotations

import logging
import os
import select
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Thread

from pycontainerd.tasks.channel import Channel

_logger = logging.getLogger(__name__)
_MOST_BATCHES = 64
"""Of 64 KiB, which an abandoned stream may still have: more than the largest pipe holds unless root has made it larger."""
_READY = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR


class Pump:
    """``add`` channels, ``abandon`` those whose pipes somebody holds open, ``close`` in the end. All may be called from any thread."""

    def __init__(self, name: str = "pycontainerd-pump") -> None:
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._commands: deque[Callable[[], None]] = deque()
        self._channels: dict[int, Channel] = {}
        self._running = True
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, channel: Channel) -> None:
        """Move what comes out of ``channel``'s descriptors until they end; ``channel.done`` says so."""
        self._do(lambda: self._add(channel))

    def abandon(self, channel: Channel) -> None:
        """Take what is there at this moment, then end the channel although a pipe is still open."""
        self._do(lambda: self._abandon(channel))

    def close(self) -> None:
        """Stop. What was not taken yet stays in the pipes for the next supervisor."""
        self._do(self._stop)
        self._thread.join()
        for channel in set(self._channels.values()):
            channel.close()
        os.close(self._wake)
        self._epoll.close()

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        os.eventfd_write(self._wake, 1)

    def _stop(self) -> None:
        self._running = False

    def _add(self, channel: Channel) -> None:
        for fd in channel.fds():
            self._channels[fd] = channel
            self._epoll.register(fd, _READY)
        channel.finish_if_ended()

    def _abandon(self, channel: Channel) -> None:
        for fd in channel.fds():
            for _ in range(_MOST_BATCHES):  # who is left behind may write for ever, and faster than we read
                if self._channels.get(fd) is not channel or not self._move(fd):
                    break
            if self._channels.get(fd) is channel:
                self._drop(fd)

    def _run(self) -> None:
        while self._running:
            for fd, _ in self._epoll.poll():
                if fd == self._wake:
                    os.eventfd_read(self._wake)
                elif fd in self._channels:
                    self._guarded(partial(self._move, fd))
            while self._commands:
                self._guarded(self._commands.popleft())

    @staticmethod
    def _guarded(step: Callable[[], object]) -> None:
        """The thread serves all containers: it outlives whatever goes wrong with one."""
        try:
            step()
        except Exception:
            _logger.exception("the output of a process is not handled as it should be")

    def _move(self, fd: int) -> bool:
        """Move one batch. False when there was nothing to move, or nothing will come any more."""
        channel = self._channels[fd]
        try:
            count = channel.move(fd)
        except BlockingIOError:
            return False
        except Exception:
            _logger.exception("%s: its output cannot be taken any more", channel.name)
            count = 0
        if not count:
            self._drop(fd)
        return count > 0

    def _drop(self, fd: int) -> None:
        channel = self._channels.pop(fd)
        self._epoll.unregister(fd)
        channel.end(fd)
