"""One thread that moves what processes write to their logs and their watchers.

The event loop must not wait for a disk, and a thread for each container would be a thread too many: so one thread waits with
epoll(7) on the pipes of all of them; and a second one, from when it is needed, on those that must not wait for the disk of the others.
"""

from __future__ import annotations

import logging
import os
import select
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread

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
        self._held: set[int] = set()
        """Descriptors of which nothing is taken until a watcher has read what it has."""
        self._ending: set[Channel] = set()
        """Those whose streams have ended, and whose last words are still being written."""
        self._hurried: Pump | None = None
        self._making = Lock()
        self._name = name
        self._running = True
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, channel: Channel) -> None:
        """Move what comes out of ``channel``'s descriptors until they end; ``channel.done`` says so."""
        pump = self._pump_of(channel)
        pump._do(lambda: pump._add(channel))

    def abandon(self, channel: Channel) -> None:
        """Take what is there at this moment, then end the channel although a pipe is still open."""
        pump = self._pump_of(channel)
        pump._do(lambda: pump._abandon(channel))

    def close(self) -> None:
        """Stop. What was not taken yet stays in the pipes for the next supervisor."""
        self._do(self._stop)
        self._thread.join()
        for channel in set(self._channels.values()):
            channel.close()
        for channel in self._ending:
            channel.done.exception()
        os.close(self._wake)
        self._epoll.close()
        if self._hurried is not None:
            self._hurried.close()

    def _pump_of(self, channel: Channel) -> Pump:
        if channel.waits:
            return self
        with self._making:
            if self._hurried is None:
                self._hurried = Pump(f"{self._name}-2")
            return self._hurried

    def _do(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        os.eventfd_write(self._wake, 1)

    def _stop(self) -> None:
        self._running = False

    def _add(self, channel: Channel) -> None:
        channel.on_relief(lambda: self._relieved(channel))
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
                    self._guarded(partial(self._move_or_hold, fd))
            while self._commands:
                self._guarded(self._commands.popleft())

    @staticmethod
    def _guarded(step: Callable[[], object]) -> None:
        """The thread serves all containers: it outlives whatever goes wrong with one."""
        try:
            step()
        except Exception:
            _logger.exception("the output of a process is not handled as it should be")

    def _move_or_hold(self, fd: int) -> None:
        if self._channels[fd].is_held_up():
            self._held.add(fd)
            self._epoll.unregister(fd)
        else:
            self._move(fd)

    def _relieved(self, channel: Channel) -> None:
        if self._running:
            self._do(partial(self._resume, channel))

    def _resume(self, channel: Channel) -> None:
        for fd in channel.fds():
            if fd in self._held:
                self._held.discard(fd)
                self._epoll.register(fd, _READY)

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
        if fd in self._held:
            self._held.discard(fd)
        else:
            self._epoll.unregister(fd)
        channel.end(fd)
        if not channel.fds():
            self._ending = {each for each in (*self._ending, channel) if not each.done.done()}
