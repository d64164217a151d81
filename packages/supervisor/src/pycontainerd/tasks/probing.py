"""Running health checks: a probe at a time in a running container, each an exec, and what came of it to whoever keeps the record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from pycontainerd.containers.config import ExecConfig
from pycontainerd.containers.health import MOST_OUTPUT, HealthResult
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import SupervisorError
from pycontainerd.tasks.exec import Exec
from pycontainerd.tracing import span

_logger = logging.getLogger(__name__)
_SHELL = ("/bin/sh", "-c")
_NO_END = -1
_PATIENCE = 10.0
"""Seconds for a probe that was killed to be gone."""


class Prober:
    """Probes from ``start`` to ``stop``: while its container runs and is not paused."""

    def __init__(
        self,
        record: Callable[[], ContainerRecord],
        make: Callable[[ExecConfig], Awaitable[Exec]],
        forget: Callable[[str], Awaitable[None]],
        tell: Callable[[HealthResult], Awaitable[None]],
    ) -> None:
        self._record = record
        self._make = make
        self._forget = forget
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with the wait before the first probe."""
        check = self._record().config.health
        if check is not None and check.probes and self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, also a probe that runs."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            record = self._record()
            check, health = record.config.health, record.health
            if check is None:
                return
            running_for = time.time() - record.started_ns / 1e9
            await asyncio.sleep(check.wait(health.status if health is not None else "starting", running_for))
            try:
                await self._tell(await self._probe(check.command(record.config.shell or _SHELL), check.seconds))
            except Exception:
                _logger.exception("container %s: what its health check has found is not recorded", record.id)

    async def _probe(self, arguments: tuple[str, ...], timeout: float) -> HealthResult:  # noqa: ASYNC109 - docker's own word
        started = time.time_ns()
        with span("supervisor", "health check"):
            code, output = await self._outcome(arguments, timeout)
        if code != 0:
            with span("supervisor", "health check failed"):
                pass  # a mark for who counts
        text = output.decode("utf-8", "replace")
        return HealthResult(started_ns=started, ended_ns=time.time_ns(), exit_code=code, output=text)

    @contextlib.asynccontextmanager
    async def _forgotten(self, process: Exec) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._forget(process.id)

    async def _outcome(self, arguments: tuple[str, ...], timeout: float) -> tuple[int, bytes]:  # noqa: ASYNC109
        output = bytearray()
        try:
            process = await self._make(ExecConfig(args=arguments))
            async with self._forgotten(process), await process.attach() as attachment:
                await process.start()
                try:
                    async with asyncio.timeout(timeout):
                        async for chunk in attachment:
                            output += chunk.data[: MOST_OUTPUT + 1 - len(output)]
                        code = await process.wait()
                except BaseException as error:
                    await _end(process)
                    if not isinstance(error, TimeoutError):
                        raise
                    return _NO_END, f"Health check exceeded timeout ({timeout:g}s)".encode()
        except SupervisorError as error:
            return _NO_END, str(error).encode()
        return code, bytes(output[:MOST_OUTPUT]) + (b"..." if len(output) > MOST_OUTPUT else b"")


async def _end(process: Exec) -> None:
    """A probe that nobody waits for must not go on."""
    with contextlib.suppress(SupervisorError, TimeoutError):
        await process.kill()
        await asyncio.wait_for(process.wait(), _PATIENCE)
