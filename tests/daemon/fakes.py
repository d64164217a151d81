"""A supervisor in memory, for tests of the handlers alone: the calls that they make, with the supervisor's own values and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs

from pycontainerd.containers.config import ContainerConfig, ExecConfig
from pycontainerd.containers.info import ContainerInfo, ExecInfo, ExitStatus, ProcessInfo, Status
from pycontainerd.errors import (
    AlreadyRunning,
    CommandNotFound,
    ContainerNotFound,
    ContainerRunning,
    ExecNotFound,
    ImageNotFound,
    NameInUse,
    NotPaused,
    NotRunning,
    Paused,
)
from pycontainerd.events.event import Event
from pycontainerd.images.config import ImageConfig
from pycontainerd.logs.record import LogBatch
from pycontainerd.tasks.attachment import Chunk

IMAGE_ID = "sha256:" + "ab" * 32
IMAGES = {"busybox", "busybox:latest", IMAGE_ID}
NOW = datetime(2026, 1, 2, 3, 4, 5, 678900, UTC)


class FakeAttachment:
    """Echoes what is written, in capitals on standard error, until its input ends."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.detached = asyncio.Event()
        self.written = b""
        self.input_ended = False
        self.pause = 0.0

    async def __aenter__(self) -> FakeAttachment:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.detached.set()

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        while (chunk := await self.chunks.get()) is not None:
            yield chunk

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(self.pause)
        self.written += data
        self.chunks.put_nowait(Chunk("stdout", data))
        self.chunks.put_nowait(Chunk("stderr", data.upper()))

    async def close_stdin(self) -> None:
        self.input_ended = True
        self.chunks.put_nowait(None)


class FakeExec:
    """An exec; the command ``missing`` is not there."""

    def __init__(self, number: int, container: FakeContainer, config: ExecConfig) -> None:
        self.id = f"{number:064x}"
        self.container_id = container.id
        self.config = config
        self.attachment = FakeAttachment()
        self.state = ExecInfo(id=self.id, container_id=container.id, running=False)
        self.size: tuple[int, int] | None = None

    def info(self) -> ExecInfo:
        return self.state

    async def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        if self.config.args[0] == "missing":
            self.state = attrs.evolve(self.state, exit_code=127)
            raise CommandNotFound('exec: "missing": executable file not found in $PATH')
        self.size = console_size
        self.state = attrs.evolve(self.state, running=True, pid=77)

    async def attach(self, **_: bool) -> FakeAttachment:
        return self.attachment

    async def resize(self, rows: int, columns: int) -> None:
        self.size = (rows, columns)


class FakeContainer:
    """A container whose process does nothing until it is told to end."""

    def __init__(self, owner: FakeContainers, id: str, name: str, config: ContainerConfig) -> None:
        self.owner, self.id, self.name, self.config = owner, id, name, config
        self.image_id = IMAGE_ID
        self.created_at = NOW
        self.log_path = Path(f"/var/lib/fake/{id}-json.log")
        self.attachment = FakeAttachment()
        self.records: list[LogBatch] = []
        self.processes: list[FakeExec] = []
        self.waiters: list[tuple[str, asyncio.Future[ExitStatus]]] = []
        self.state = ContainerInfo(id=id, name=name, image_id=IMAGE_ID, status=Status.CREATED, created_at=NOW)
        self.calls: list[tuple[Any, ...]] = []

    def info(self) -> ContainerInfo:
        return self.state

    async def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        if self.state.running:
            raise AlreadyRunning(f"container {self.id} is already running")
        if self.config.args == ("missing",):
            raise CommandNotFound(
                'runc create failed: unable to start container process: exec: "missing": executable file not found in $PATH'
            )
        self.state = attrs.evolve(self.state, status=Status.RUNNING, pid=4242, started_at=datetime.now(UTC))

    async def update(self, **changes: Any) -> None:
        self.calls.append(("update", changes))
        self.config = attrs.evolve(self.config, annotations={**self.config.annotations, **changes["annotations"]})

    def end(self, code: int) -> None:
        """The process ends."""
        self.state = attrs.evolve(
            self.state, status=Status.EXITED, exit_code=code, pid=0, finished_at=datetime.now(UTC)
        )
        self._wake({"not-running", "next-exit"})

    def _wake(self, conditions: set[str]) -> None:
        for condition, waiter in self.waiters:
            if condition in conditions and not waiter.done():
                waiter.set_result(ExitStatus(code=self.state.exit_code, exited_at=datetime.now(UTC)))

    def waiter(self, condition: str = "not-running") -> asyncio.Future[ExitStatus]:
        future = asyncio.get_running_loop().create_future()
        self.waiters.append((condition, future))
        if condition == "not-running" and not self.state.running:
            self._wake({"not-running"})
        return future

    async def stop(self, timeout: float | None = None, signal: str | None = None) -> None:  # noqa: ASYNC109  (the supervisor's own name)
        self._need_running()
        self.calls.append(("stop", timeout, signal))
        self.end(143)

    async def kill(self, signal: str = "KILL") -> None:
        self._need_running()
        self.calls.append(("kill", signal))
        self.end(137)

    async def restart(self, timeout: float | None = None, signal: str | None = None) -> None:  # noqa: ASYNC109
        self.calls.append(("restart", timeout, signal))

    async def pause(self) -> None:
        self._need_running()
        if self.state.status is Status.PAUSED:
            raise Paused(f"container {self.id} is already paused")
        self.state = attrs.evolve(self.state, status=Status.PAUSED)

    async def resume(self) -> None:
        if self.state.status is not Status.PAUSED:
            raise NotPaused(f"container {self.id} is not paused")
        self.state = attrs.evolve(self.state, status=Status.RUNNING)

    async def rename(self, name: str) -> None:
        self.owner.check_name(name)
        self.name = name
        self.state = attrs.evolve(self.state, name=name)

    async def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        if self.state.running and not force:
            raise ContainerRunning(f"container {self.id} is running: stop it, or force the removal")
        self.owner.everything.remove(self)
        self._wake({"removed", "next-exit", "not-running"})

    async def exec(self, config: ExecConfig) -> FakeExec:
        process = FakeExec(len(self.processes) + 1, self, config)
        self.processes.append(process)
        return process

    def execs(self) -> list[FakeExec]:
        return self.processes

    async def attach(self, **_: bool) -> FakeAttachment:
        return self.attachment

    async def resize(self, rows: int, columns: int) -> None:
        self._need_running()
        self.calls.append(("resize", rows, columns))

    async def log_blocks(self, render: Callable[[list[LogBatch]], bytes], **options: Any) -> AsyncIterator[bytes]:
        self.calls.append(("logs", options))
        yield render(self.records)

    async def top(self) -> list[ProcessInfo]:
        self._need_running()
        started = datetime.now(UTC)
        return [
            ProcessInfo(
                user="root", pid=4242, ppid=1, cpu=0, start=started, tty="?", cpu_seconds=61.5, command="sleep 9"
            )
        ]

    def _need_running(self) -> None:
        if not self.state.running:
            raise NotRunning(f"container {self.id} is not running")


class FakeContainers:
    """All containers."""

    def __init__(self) -> None:
        self.everything: list[FakeContainer] = []

    async def create(self, config: ContainerConfig, *, id: str | None = None, name: str | None = None) -> FakeContainer:
        if config.image not in IMAGES:
            raise ImageNotFound(config.image)
        assert name is not None
        self.check_name(name)
        container = FakeContainer(self, f"{len(self.everything) + 1:02x}" * 32, name, config)
        self.everything.append(container)
        return container

    def check_name(self, name: str) -> None:
        for container in self.everything:
            if container.name == name:
                raise NameInUse(name, container.id)

    def get(self, reference: str) -> FakeContainer:
        for container in self.everything:
            if reference and (container.name == reference or container.id.startswith(reference)):
                return container
        raise ContainerNotFound(reference)

    def list(self) -> list[FakeContainer]:
        return list(self.everything)

    def get_exec(self, exec_id: str) -> FakeExec:
        for container in self.everything:
            for process in container.processes:
                if process.id == exec_id:
                    return process
        raise ExecNotFound(exec_id)


class FakeEvents:
    """Events that are there already; ``live`` ones follow."""

    def __init__(self) -> None:
        self.past: list[Event] = []
        self.live: asyncio.Queue[Event] = asyncio.Queue()
        self.open = 0
        self.closed = asyncio.Event()

    async def publish(self, type: str, action: str, actor: str, attributes: Mapping[str, str] | None = None) -> None:
        self.past.append(Event(type=type, action=action, actor=actor, attributes=attributes or {}))

    async def subscription(self, *, wanted: Any) -> AsyncIterator[Event]:
        self.open += 1
        try:
            for event in self.past if wanted.since_ns is not None else ():
                yield event
            while wanted.until_ns is None:
                yield await self.live.get()
        finally:
            self.open -= 1
            self.closed.set()


class FakeSupervisor:
    """What the engine holds."""

    def __init__(self) -> None:
        self.containers = FakeContainers()
        self.events = FakeEvents()
        self.images = SimpleNamespace(list=list, get=self._image)
        self.snapshots = SimpleNamespace(usage=self._usage)

    @staticmethod
    def _image(reference: str) -> Any:
        if reference not in IMAGES:
            raise ImageNotFound(reference)
        return SimpleNamespace(id=IMAGE_ID, size=0, config=ImageConfig())

    @staticmethod
    def _usage(key: str) -> Any:
        return SimpleNamespace(size=4096)


def chunks(*pieces: tuple[Any, bytes]) -> Sequence[Chunk]:
    """Output as an attachment gives it."""
    return [Chunk(stream, data) for stream, data in pieces]
