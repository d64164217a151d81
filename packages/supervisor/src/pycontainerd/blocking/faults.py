"""Faults on demand, as plain context managers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

from attrs import frozen

from pycontainerd.blocking.loop import LoopThread
from pycontainerd.faults import faults as asynchronous
from pycontainerd.faults import killing


@frozen
class Killing:
    """See `pycontainerd.faults.Killing`."""

    _loop: LoopThread
    _killing: killing.Killing

    def happened(self, *, timeout: float | None = None) -> None:
        """Return once it has. Raises TimeoutError after ``timeout`` seconds; NotRunning when it had ended before."""
        self._loop.call(self._killing.happened(), timeout)


@frozen
class Faults:
    """Get it from ``Container.faults``; see `pycontainerd.Faults`: what each does, and what it raises."""

    _loop: LoopThread
    _faults: asynchronous.Faults

    def paused(self) -> AbstractContextManager[None]:
        """It stands still."""
        return self._loop.context(self._faults.paused())

    @contextlib.contextmanager
    def killed(self, at: float | str = 0.0, *, signal: int | str = "KILL", restart: bool = True) -> Iterator[Killing]:
        """It gets a signal after ``at`` seconds, or when a line of its log matches ``at``."""
        with self._loop.context(self._faults.killed(at, signal=signal, restart=restart)) as made:
            yield Killing(self._loop, made)

    def clock(self, seconds: float) -> AbstractContextManager[None]:
        """Its clocks are ahead in the runs that are started meanwhile."""
        return self._loop.context(self._faults.clock(seconds))

    def memory(self, limit: int) -> AbstractContextManager[None]:
        """It may have ``limit`` bytes."""
        return self._loop.context(self._faults.memory(limit))

    def cpu(self, share: float) -> AbstractContextManager[None]:
        """It gets ``share`` processors."""
        return self._loop.context(self._faults.cpu(share))

    def slow_disk(self, *, read: int | None = None, write: int | None = None) -> AbstractContextManager[None]:
        """It reads and writes that many bytes a second."""
        return self._loop.context(self._faults.slow_disk(read=read, write=write))

    def disk_full(self, path: str, *, leave: int = 0) -> AbstractContextManager[None]:
        """There is no room below the directory ``path``."""
        return self._loop.context(self._faults.disk_full(path, leave=leave))

    def partition(self, *peers: str) -> AbstractContextManager[None]:
        """Nothing comes from or goes to ``peers``, or anybody."""
        return self._loop.context(self._faults.partition(*peers))

    def loss(self, share: float) -> AbstractContextManager[None]:
        """``share`` of all packets is lost."""
        return self._loop.context(self._faults.loss(share))

    def latency(self, seconds: float, *, jitter: float = 0.0) -> AbstractContextManager[None]:
        """Each packet leaves ``seconds`` later."""
        return self._loop.context(self._faults.latency(seconds, jitter=jitter))
