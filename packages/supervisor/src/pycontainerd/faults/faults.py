"""Faults: what can be made to happen to a container."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from pycontainerd.errors import Conflict, InvalidConfig, NotPaused, NotRunning
from pycontainerd.faults import disk, limits, network
from pycontainerd.faults.killing import Killing
from pycontainerd.faults.subject import Subject


class Faults:
    """Get it from ``Container.faults``.

    ::

        async with database.faults.partition():
            await client.survives()

    Every fault needs a running container and raises NotRunning otherwise, unless it says something else; Unsupported where this kernel cannot do it,
    with what is missing. Contexts may be nested; those of one kind are left in reverse order.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """It stands still, as a machine does that is suspended: connections stay open and nobody answers. Raises Paused."""
        await self._subject.pause()
        try:
            yield
        finally:
            with contextlib.suppress(NotPaused, NotRunning):
                await self._subject.resume()

    @contextlib.asynccontextmanager
    async def killed(
        self, at: float | str = 0.0, *, signal: int | str = "KILL", restart: bool = True
    ) -> AsyncIterator[Killing]:
        """It gets ``signal`` after ``at`` seconds, or when a line of its log that comes from now on matches the pattern ``at`` (re.search).

        It gives a `Killing`, whose ``happened`` can be awaited. Leaving the context calls a killing off that has not come yet, and with ``restart``
        starts it again if it has ended.
        """
        killing = Killing(self._subject, at, signal)
        try:
            yield killing
        finally:
            await killing.call_off()
            if restart and not self._subject.info().running:
                await self._subject.start()

    @contextlib.asynccontextmanager
    async def clock(self, seconds: float) -> AsyncIterator[None]:
        """Its clocks CLOCK_MONOTONIC and CLOCK_BOOTTIME (uptime, timers, timeouts) are ahead by ``seconds`` in the runs that are started meanwhile.

        The offsets of a time namespace are fixed when its first process enters it, so it must not run: Conflict; stop it, and start it in the
        context. CLOCK_REALTIME, the time of day, is the machine's for all: time_namespaces(7) has no offset for it. What is running when the
        context is left keeps its clocks until its next start. ``ContainerConfig.clock_offset`` does the same for a container's whole life.
        """
        if self._subject.info().running:
            rule = "the clocks of running processes cannot be moved (time_namespaces(7)): stop it, and start it inside the context"
            raise Conflict(f"container {self._subject.id[:12]}: {rule}")
        self._subject.shift_clock(seconds)
        try:
            yield
        finally:
            self._subject.shift_clock(0.0)

    @contextlib.asynccontextmanager
    async def memory(self, limit: int) -> AsyncIterator[None]:
        """It may have ``limit`` bytes and no swap; what it has above that is reclaimed, or one of its processes is killed (OOM) or refused memory.

        RuntimeFailed where the kernel cannot bring it down to that (version 1 of cgroups refuses instead of killing).
        """
        async with limits.in_force(self._subject, limits.memory(limit)):
            yield

    @contextlib.asynccontextmanager
    async def cpu(self, share: float) -> AsyncIterator[None]:
        """It gets ``share`` processors: 0.1 is a tenth of the time of one."""
        if not share >= 0.01:
            raise InvalidConfig("share", f"{share}: the kernel divides processors down to 0.01")
        async with limits.in_force(self._subject, limits.cpu(share)):
            yield

    @contextlib.asynccontextmanager
    async def slow_disk(self, *, read: int | None = None, write: int | None = None) -> AsyncIterator[None]:
        """It reads and writes that many bytes a second of the device that its file system is on.

        Version 1 of cgroups counts only what goes to the device at once: reads that are not cached, writes with O_DIRECT or O_SYNC. Version 2
        holds back what is written later, too.
        """
        device = disk.device_of(self._subject.writable())
        async with limits.in_force(self._subject, limits.disk(device, read, write)):
            yield

    @contextlib.asynccontextmanager
    async def disk_full(self, path: str, *, leave: int = 0) -> AsyncIterator[None]:
        """Whatever is created or changed below the directory ``path`` from now on fails with ENOSPC, after ``leave`` bytes.

        What is there can be read. Files that are open already are not affected: they are on the disk below. What was written meanwhile (if ``leave``
        allowed it) is lost when the context is left, as a full disk loses it. Other file systems that are mounted below ``path`` are hidden meanwhile.
        Raises InvalidConfig for ``/`` and for what is no directory.
        """
        pid = self._pid()
        async with disk.full(self._subject, pid, path, leave):
            yield

    @contextlib.asynccontextmanager
    async def partition(self, *peers: str) -> AsyncIterator[None]:
        """Nothing comes from, and nothing goes to, the addresses or networks ``peers``; without any, nobody, its own loopback included.

        Packets are dropped, not refused, as when a cable is pulled. Needs ``nft`` and Linux 5.16.
        """
        async with network.filtered(self._subject, self._pid(), network.partition(peers)):
            yield

    @contextlib.asynccontextmanager
    async def loss(self, share: float) -> AsyncIterator[None]:
        """``share`` of all packets is lost, 0.1 a tenth, each way. Needs ``nft`` and Linux 5.16."""
        if not 0 < share <= 1:
            raise InvalidConfig("share", f"{share}: expected a number above 0 and up to 1")
        async with network.filtered(self._subject, self._pid(), network.loss(share)):
            yield

    @contextlib.asynccontextmanager
    async def latency(self, seconds: float, *, jitter: float = 0.0) -> AsyncIterator[None]:
        """Each packet leaves ``seconds`` later, give or take ``jitter``, on all its links. Needs ``tc`` and a kernel with netem."""
        async with network.delayed(self._subject, self._pid(), seconds, jitter):
            yield

    def _pid(self) -> int:
        if pid := self._subject.info().pid:
            return pid
        raise NotRunning(f"container {self._subject.id[:12]} is not running")
