"""A further process in a running container."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from attrs import evolve

import pyrunc
from pycontainerd.containers import store
from pycontainerd.containers.config import ExecConfig
from pycontainerd.containers.info import ExecInfo
from pycontainerd.containers.record import ContainerRecord, ExecRecord
from pycontainerd.errors import ExecAlreadyStarted, NotRunning, StoreFailed, SupervisorError
from pycontainerd.tasks import launch, prepare
from pycontainerd.tasks.attachment import Attachment
from pycontainerd.tasks.failures import asking, needing, starting
from pycontainerd.tasks.happenings import container_event
from pycontainerd.tasks.run import Run
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.signals import parse
from pycontainerd.tasks.standstill import once_it_moves
from pycontainerd.tasks.stdio import Stdio
from pycontainerd.tracing import span

_logger = logging.getLogger(__name__)
_PATIENCE = 10.0
"""Seconds for a process that was killed to be gone."""
_KILLED, _UNKNOWN = 137, 255
_T = TypeVar("_T")
_FAILED = "OCI runtime exec failed: exec failed: unable to start container process"


class Exec:
    """Get one from ``Container.exec``; ``attach`` before ``start`` to see everything. What it writes goes to attachments only."""

    def __init__(
        self,
        services: Services,
        container: Callable[[], ContainerRecord],
        record: ExecRecord,
        process: Callable[[], pyrunc.Container],
    ) -> None:
        self._services = services
        self._container = container
        self._record = record
        self._find_process = process
        self._process: pyrunc.ExecProcess | None = None
        self._run: Run | None = None
        self._starting: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._stdio = Stdio(
            record.id[:12],
            services.worker,
            services.home(record.container_id),
            stdin=record.config.stdin,
            stdin_once=True,
            waits=True,
        )
        if record.exit_code is not None:
            self._ended.set()

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._record.id

    @property
    def container_id(self) -> str:
        """Where it runs."""
        return self._record.container_id

    @property
    def config(self) -> ExecConfig:
        """What it runs."""
        return self._record.config

    @property
    def record(self) -> ExecRecord:
        """What is remembered of it."""
        return self._record

    def info(self) -> ExecInfo:
        """Its state at this moment; the exit code stays after the end."""
        running = self._process is not None
        return ExecInfo(
            id=self.id,
            container_id=self.container_id,
            running=running,
            pid=self._process.pid if self._process is not None else 0,
            exit_code=self._record.exit_code,
            can_remove=self._record.exit_code is not None,
        )

    async def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        """Run it; ``console_size`` is (rows, columns). Returns once it runs.

        Raises ExecAlreadyStarted, NotRunning, CommandNotFound, CommandNotExecutable, StartFailed, InvalidConfig (its user).
        """
        if self._record.started_ns:
            raise ExecAlreadyStarted(f"exec {self.id} has already been started")
        self._record = evolve(self._record, started_ns=launch.now())
        self._starting = asyncio.create_task(self._start(console_size))
        await asyncio.shield(self._starting)

    async def attach(self, *, stdin: bool = False, stdout: bool = True, stderr: bool = True) -> Attachment:
        """Watch and feed it. The end of one attachment's input is the end of the process's."""
        return await self._stdio.attach(stdin=stdin, stdout=stdout, stderr=stderr)

    async def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal a new size; without a terminal there is nothing to tell. Raises NotRunning."""
        await self._ask(lambda process: process.resize(rows, columns) if self.config.terminal else None)

    async def kill(self, signal: int | str = "KILL") -> None:
        """Send it a signal. Raises NotRunning, InvalidConfig."""
        number = parse(signal)
        await self._ask(lambda process: process.kill(number))

    async def wait(self) -> int:
        """Its exit code, once its output was taken."""
        await self._ended.wait()
        return self._record.exit_code or 0

    # -- for the container ----------------------------------------------------------------------------------------------------

    async def take_over(self, process: pyrunc.ExecProcess) -> None:
        """Go on with one that another supervisor started. What it writes is lost without a watcher, as ever."""
        try:
            run = await self._connect(process)
        except (pyrunc.PyruncError, OSError) as error:
            _logger.error("exec %s cannot be taken over: %s", self.id, error)
            await self._finished(_UNKNOWN)
        else:
            self._began(process, run)

    async def container_ended(self) -> None:
        """Whatever is left of it ends with the container, in a pid namespace that is shared too."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._watcher is not None:
            with contextlib.suppress(SupervisorError):
                await self.kill()
            await asyncio.wait({self._watcher}, timeout=_PATIENCE)
            self._watcher.cancel()
        if self._record.started_ns and not self._ended.is_set():
            await self._finished(_KILLED)
        self._stdio.close()

    async def close(self) -> None:
        """Let go of it; it goes on running."""
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._run is not None:
            self._run.close()
        self._stdio.close()

    # -- inside -----------------------------------------------------------------------------------------------------------------

    async def _start(self, console_size: tuple[int, int] | None) -> None:
        try:
            with span("supervisor", "exec"), starting(_FAILED), needing(self.container_id):
                process = await self._services.worker.run(self._create, console_size)
                run = await self._connected(process)
        except Exception as error:
            await self._finished(getattr(error, "exit_code", 126), event=False)
            raise
        self._began(process, run)
        await self._save()
        await self._publish(f"exec_start: {' '.join(self.config.args)}")
        await self._stdio.begin()

    def _create(self, console_size: tuple[int, int] | None) -> pyrunc.ExecProcess:
        container = self._find_process()
        process = prepare.exec_specification(self._services, self._container(), self.config, console_size)
        stdio = pyrunc.Stdio.pipes(stdin=self.config.stdin)
        return once_it_moves(
            self._services,
            self.container_id,
            lambda: container.exec(process, stdio=stdio, monitor=True, exec_id=self.id),
        )

    async def _connected(self, process: pyrunc.ExecProcess) -> Run:
        """A process that nobody can watch must not run."""
        try:
            return await self._connect(process)
        except BaseException:
            with contextlib.suppress(pyrunc.PyruncError):
                process.kill("KILL")
                await self._services.worker.run(process.wait, _PATIENCE)
                await self._services.worker.run(process.delete)
            raise

    async def _connect(self, process: pyrunc.ExecProcess) -> Run:
        return await Run.connect(process, self._stdio, None, self._services.pump, self._services.worker)

    def _began(self, process: pyrunc.ExecProcess, run: Run) -> None:
        self._process, self._run = process, run
        self._watcher = asyncio.create_task(self._watch(process, run))

    async def _watch(self, process: pyrunc.ExecProcess, run: Run) -> None:
        ended = await run.ended()
        self._stdio.disconnect()
        with contextlib.suppress(pyrunc.PyruncError):
            await self._services.worker.run(process.delete)
        await self._finished(ended.code)

    async def _finished(self, code: int, *, event: bool = True) -> None:
        self._record = evolve(self._record, exit_code=code)
        self._process = self._run = None
        try:
            await self._save()
            if event:
                await self._publish("exec_die", exitCode=str(code))
        except StoreFailed:
            _logger.exception("the end of exec %s is not recorded", self.id)
        finally:
            self._stdio.hub.end()
            self._ended.set()

    async def _ask(self, request: Callable[[pyrunc.ExecProcess], _T]) -> _T:
        process = self._process
        if process is None:
            raise NotRunning(f"exec {self.id} is not running")
        with asking(self.id):
            return await self._services.worker.run(request, process)

    async def _save(self) -> None:
        record = self._record
        await self._services.database.write(lambda connection: store.save_exec(connection, record))

    async def _publish(self, action: str, **attributes: str) -> None:
        event = container_event(self._container(), action, execID=self.id, **attributes)
        await self._services.events.publish(event.type, event.action, event.actor, event.attributes)
