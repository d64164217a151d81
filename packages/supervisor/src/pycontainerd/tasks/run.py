"""One run of a process: from the moment the runtime has it until its last byte was taken and its exit status is known."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Protocol

import pyrunc
from pycontainerd.logs.buffered import Way
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.pump import Pump
from pycontainerd.tasks.stdio import Stdio
from pycontainerd.worker import Worker

_logger = logging.getLogger(__name__)
_GRACE = 2.0
"""Seconds that a process left behind may hold the output open after the end of the container's own, as dockerd has it."""


_PATIENCE = 10.0
"""Seconds for the monitor to write down how the process has ended."""
_UNKNOWN = 255


class RuntimeProcess(Protocol):
    """What pyrunc's Container and ExecProcess have in common."""

    def wait(self, timeout: float | None = None) -> pyrunc.ExitStatus: ...
    def exit_fd(self) -> int: ...
    def streams(self) -> pyrunc.Streams: ...
    def close_stdin(self) -> None: ...
    def resize(self, rows: int, columns: int) -> None: ...


class Run:
    """Made with ``connect``; then ``ended()`` is awaited once."""

    def __init__(self, process: RuntimeProcess, channel: Channel, exit_fd: int, pump: Pump, worker: Worker) -> None:
        self._process = process
        self._channel = channel
        self._pump = pump
        self._worker = worker
        self._exit_fd = exit_fd
        self._loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(exit_fd, self._on_exit)

    @classmethod
    async def connect(
        cls, process: RuntimeProcess, stdio: Stdio, intake: Way | None, pump: Pump, worker: Worker
    ) -> Run:
        """Begin to move what ``process`` writes. Raises pyrunc's errors when the process's monitor does not answer."""
        streams, exit_fd = await worker.run(_ask, process)
        try:
            with streams:
                channel = stdio.connect(streams, intake, process.close_stdin)
        except BaseException:
            os.close(exit_fd)
            raise
        run = cls(process, channel, exit_fd, pump, worker)
        pump.add(channel)
        return run

    async def ended(self) -> pyrunc.ExitStatus:
        """The exit status, once the process ended and all its output is with the log and the watchers.

        Where a process outside of the container's pid namespace, or an exec's child, holds the pipes open, only what it wrote within
        two seconds after the end is taken.
        """
        await self._exited
        status = await self._worker.run(self._wait)
        done = asyncio.wrap_future(self._channel.done)
        try:
            await asyncio.wait_for(asyncio.shield(done), _GRACE)
        except TimeoutError:
            self._pump.abandon(self._channel)
            await done
        return status

    def _wait(self) -> pyrunc.ExitStatus:
        """Whatever is wrong with the record of its end, that it has ended is certain."""
        try:
            return self._process.wait(_PATIENCE)
        except (pyrunc.PyruncError, TimeoutError, OSError) as error:
            _logger.error("how a process has ended is not known: %s", error)
            return pyrunc.ExitStatus(code=_UNKNOWN, exited_ns=time.time_ns(), known=False)

    async def abandon(self) -> None:
        """There will be no end to wait for: the process was never let go."""
        self.close()
        self._pump.abandon(self._channel)
        await asyncio.wrap_future(self._channel.done)

    def close(self) -> None:
        """Stop waiting for the end."""
        self._unwatch()
        self._exited.cancel()

    def _on_exit(self) -> None:
        self._unwatch()
        self._exited.set_result(None)

    def _unwatch(self) -> None:
        if self._exit_fd >= 0:
            self._loop.remove_reader(self._exit_fd)
            os.close(self._exit_fd)
            self._exit_fd = -1


def _ask(process: RuntimeProcess) -> tuple[pyrunc.Streams, int]:
    streams = process.streams()
    try:
        return streams, process.exit_fd()
    except BaseException:
        streams.close()
        raise
