"""A container, as its users hold it: every verb of its life."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

import pyrunc
from pycontainerd.containers import store
from pycontainerd.containers.config import ContainerConfig, ExecConfig, Resources
from pycontainerd.containers.health import Health, HealthResult
from pycontainerd.containers.info import ContainerInfo, ExitStatus, ProcessInfo, Status
from pycontainerd.containers.record import ContainerRecord, moment
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.containers.states import Action, after, refusal
from pycontainerd.content.store import PIECE
from pycontainerd.diff.change import Change
from pycontainerd.errors import Conflict, NotRunning, RuntimeFailed, StoreFailed, SupervisorError, Unsupported
from pycontainerd.events import log as event_log
from pycontainerd.events.event import Event
from pycontainerd.faults.faults import Faults
from pycontainerd.images.image import Image
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.record import LogBatch, LogRecord
from pycontainerd.tasks import archive, difference, launch
from pycontainerd.tasks.archive import PathStat
from pycontainerd.tasks.attachment import Attachment
from pycontainerd.tasks.changes import Changes
from pycontainerd.tasks.commit import Pieces, image_configuration, made_by
from pycontainerd.tasks.exec import Exec
from pycontainerd.tasks.execs import Execs
from pycontainerd.tasks.failures import asking
from pycontainerd.tasks.happenings import container_event
from pycontainerd.tasks.neighbours import Neighbours
from pycontainerd.tasks.output import Log, Query
from pycontainerd.tasks.probing import Prober
from pycontainerd.tasks.processes import describe
from pycontainerd.tasks.restarts import Restarts
from pycontainerd.tasks.rootfs import container_root
from pycontainerd.tasks.run import Run
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.signals import SIGKILL, SIGTERM, parse
from pycontainerd.tasks.standstill import still
from pycontainerd.tasks.stdio import Stdio
from pycontainerd.tasks.waiters import WaitCondition, Waiters
from pycontainerd.tracing import span

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)
_STOP_TIMEOUT = 10
"""Seconds between the stop signal and SIGKILL, as dockerd has them."""


class Container:
    """Get one from ``Supervisor.containers``; there is one object for each container.

    What changes its state (start, pause, remove...) happens one after the other, whoever asks; what is not possible in the state it
    is in raises a Conflict that says why. A verb that was begun is finished although its caller was cancelled.
    """

    def __init__(self, services: Services, record: ContainerRecord, neighbours: Neighbours[Container]) -> None:
        self._services = services
        self._record = record
        self._neighbours = neighbours
        self._lock = asyncio.Lock()
        self._waiters = Waiters()
        self._stdio = Stdio(
            record.id[:12],
            services.worker,
            services.home(record.id),
            stdin=record.config.open_stdin,
            # a terminal's input does not end with the client that leaves it, as docker has it: the next one types on
            stdin_once=record.config.stdin_once and not record.config.terminal,
        )
        self._log = Log(services, record)
        self._process: pyrunc.Container | None = None
        self._run: Run | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._restarts = Restarts()
        self._execs = Execs(services, lambda: self._record, self._running_process)
        self._prober = Prober(lambda: self._record, self.exec, self._execs.forget, self._probed)
        self._restarting = False
        self._clock_shift = 0.0
        self._begun: set[asyncio.Task[Any]] = set()

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._record.id

    @property
    def name(self) -> str | None:
        """Unique among the supervisor's containers."""
        return self._record.name

    @property
    def config(self) -> ContainerConfig:
        """With the image's defaults merged in, as ``docker inspect`` shows it."""
        return self._record.config

    @property
    def image_id(self) -> str:
        """The image it was made of; it may have been untagged since."""
        return self._record.image_id

    @property
    def created_at(self) -> datetime:
        """UTC."""
        return moment(self._record.created_ns)

    def info(self) -> ContainerInfo:
        """Its state at this moment."""
        return self._record.info()

    async def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        """Run its process; ``console_size`` is (rows, columns) of its terminal.

        Raises AlreadyRunning, Paused, RemovalInProgress; Conflict when a container that it shares with does not run; CommandNotFound, CommandNotExecutable or StartFailed when there is no process
        then, which is also to be read from ``info()``; InvalidConfig when something that was named does not exist (any more).
        """
        await self._finish(self._start(console_size))

    async def stop(self, timeout: float | None = None, signal: int | str | None = None) -> None:  # noqa: ASYNC109 - docker's own word
        """Ask it to end, and after ``timeout`` seconds (None: its own or 10; negative: never) kill it. Returns when it has ended.

        Raises NotRunning when it does not run.
        """
        number = parse(signal or self.config.stop_signal or SIGTERM)
        if await self._gave_up():
            await self._publish("stop")
            return
        ended = self._ending()
        await self._by_hand()
        try:
            await self._signal(number)
            seconds = timeout if timeout is not None else self._stop_timeout
            await asyncio.wait_for(asyncio.shield(ended), None if seconds < 0 else seconds)
        except TimeoutError:
            await self._kill_for_good(ended)
        finally:
            ended.cancel()
        await self._publish("stop")

    async def kill(self, signal: int | str = "KILL") -> None:
        """Send a signal; does not wait for what comes of it. Raises NotRunning, InvalidConfig.

        One that is to end it - SIGKILL, its stop signal; any, if it has none of its own - also ends its being restarted, as docker has it.
        """
        number, own = parse(signal), self.config.stop_signal
        if number == SIGKILL or not own or number == parse(own):
            if await self._gave_up():
                return
            after(self._label, self._record.status, Action.KILL)
            await self._by_hand()
        await self._signal(number)

    def waiter(self, condition: WaitCondition = "not-running") -> asyncio.Future[ExitStatus]:
        """``wait`` as a future, which is in force before this returns. ``not-running`` is at once true of what does not run."""
        future = self._waiters.add(condition)
        if condition == "not-running" and not self._is_active():
            future.set_result(self._last_exit())
        return future

    async def wait(self, condition: WaitCondition = "not-running") -> ExitStatus:
        """How it ended; all of its output is in the log then. ``next-exit`` waits for the end of a run that may not have begun yet.

        The end of a run is one also where a restart policy lets another follow: ``info().status`` is ``restarting`` then.
        """
        return await self.waiter(condition)

    async def pause(self) -> None:
        """Freeze its processes. Raises NotRunning, Paused."""
        await self._finish(self._change(Action.PAUSE, lambda process: process.pause()))

    async def resume(self) -> None:
        """Let them go on. Raises NotPaused."""
        await self._finish(self._change(Action.RESUME, lambda process: process.resume()))

    async def restart(self, timeout: float | None = None, signal: int | str | None = None) -> None:  # noqa: ASYNC109
        """Stop it if it runs, then start it. Raises what ``start`` raises."""
        self._restarting = True
        try:
            if self._is_active():
                await self.stop(timeout, signal)
            await self.start()
        finally:
            self._restarting = False
        await self._publish("restart")

    async def update(
        self,
        *,
        resources: Resources | None = None,
        restart: RestartPolicy | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Other limits, those of ``resources`` that are not None, in force at once if it runs; another restart policy; more annotations.

        Raises InvalidConfig naming the field, RemovalInProgress; RuntimeFailed for what the kernel refuses: nothing is changed then.
        """
        await self._finish(self._update(Changes(resources, restart, annotations or {})))

    async def checkpoint(self, directory: str | PathLike[str], *, leave_running: bool = False) -> None:
        """Write its processes to ``directory`` with CRIU; it has ended then unless it is left running.

        Raises NotRunning; Unsupported where CRIU is not installed, or for what it cannot take: file systems that only the container sees are
        such, and its root is one; RuntimeFailed with what CRIU said.
        """
        options = pyrunc.CheckpointOptions(leave_running=leave_running)
        async with self._lock:
            process = self._running_process()
            with asking(self._label):
                await self._services.worker.run(process.checkpoint, directory, options)
        await self._publish("checkpoint")

    async def restore(self, directory: str | PathLike[str]) -> None:
        """Go on from a checkpoint. Raises Unsupported, always yet: CRIU needs the root file system mounted where the supervisor is."""
        raise Unsupported(
            f"container {self._label} cannot be restored from {os.fspath(directory)}: its root is mounted in its own mount namespace"
            " only, where CRIU does not find it; use pyrunc.Runtime.restore with a root file system of your own"
        )

    async def rename(self, name: str) -> None:
        """Raises NameInUse, InvalidName, RemovalInProgress."""
        await self._finish(self._rename(name))

    async def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        """Delete it, its file system and its log. Raises ContainerRunning unless ``force``, which kills it first; RemovalInProgress.

        ``volumes`` is for its anonymous volumes; there are none yet.
        """
        await self._finish(self._remove(Action.REMOVE_BY_FORCE if force else Action.REMOVE))

    async def fork(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        config: ContainerConfig | None = None,
        start: bool = True,
    ) -> Container:
        """A new container on the file system that this one has at this moment. From then on each has its own.

        It runs the same command again, from its beginning: files are forked, memory and what is in a tmpfs are not, and bind mounts are
        shared. What a program finds is what it would find after a power failure at that moment. ``config`` is for what shall be different
        (``attrs.evolve`` that of this one); its image stays. ``start`` it, or let the caller do that.

        It takes milliseconds, whatever the size of the data, when this one does not run, or was created as ``forkable``. One that runs stands
        still meanwhile: for the moment that a snapshot takes if it is forkable (what has not reached the disk yet is written out before), and
        otherwise while all that it has written is copied. See `pycontainerd.snapshots.forking`.

        Raises RemovalInProgress; what ``Containers.create`` and ``start`` raise. If it cannot be started, it is there all the same.
        """
        made = await self._neighbours.fork(self._record, config or self.config, self._copy_to, id=id, name=name)
        if start:
            await made.start()
        return made

    async def commit(
        self,
        reference: str | None = None,
        *,
        changes: Sequence[str] = (),
        author: str = "",
        message: str = "",
        pause: bool = True,
    ) -> Image:
        """A new image of its own image's layers and what it has changed on top; its configuration is the container's.

        ``changes`` are Dockerfile instructions. While what it has written is read, it stands still, unless ``pause`` is False; then a file that
        is written to at that moment may be half in it. What is mounted (volumes, /proc) is no part of it. Its layer is unpacked when it is first used.

        Raises InvalidReference; ImageError for a container of ``host``; LayerError for a file that no layer can hold; RemovalInProgress; OSError.
        """
        base = self._services.images.get(self._record.image_id)
        config = image_configuration(base, self.config, changes)
        step = {"created_by": made_by(self.config), "comment": message, "author": author}
        said = {name: text for name, text in step.items() if text}
        image = await self._finish(self._commit(base, config, reference, said, pause=pause))
        await self._publish("commit", comment=message, imageID=image.id, imageRef=reference or "")
        return image

    async def changes(self) -> list[Change]:
        """What it has added, modified and deleted, sorted by path. Raises RemovalInProgress, OSError."""
        self._check_files()
        return await self._services.worker.run(difference.changes, self._services, self.id)

    async def export(self) -> AsyncIterator[bytes]:
        """The tar of all its files, as it sees them without what is mounted over them. Raises RemovalInProgress, LayerError, OSError."""
        self._check_files()
        await self._publish("export")
        pieces = difference.export(self._services, self.id)
        source = Pieces(pieces)
        try:
            while piece := await self._services.worker.run(source.read, PIECE):
                yield piece
        finally:
            await self._services.worker.run(pieces.close)

    async def stat(self, path: str) -> PathStat:
        """What is at a path of its files; a symlink is not followed. Raises PathNotFound, PathRefused."""
        async with self.rootfs() as root:
            return await self._services.worker.run(archive.look, root, path)

    async def read_archive(self, path: str) -> AsyncIterator[bytes]:
        """The tar of a file or a directory of it, as ``docker cp`` takes it out. Raises PathNotFound, PathRefused, OSError."""
        async with self.rootfs() as root:
            pieces = archive.take(root, path)
            source = Pieces(pieces)
            try:
                while piece := await self._services.worker.run(source.read, PIECE):
                    yield piece
            finally:
                await self._services.worker.run(pieces.close)

    async def write_archive(self, path: str, source: AsyncIterable[bytes], *, keep_kinds: bool = False) -> None:
        """Unpack a tar (plain, gzip or zstd) into a directory of it, over what is there; what was written before an error stays.

        ``keep_kinds``: no directory is replaced by a file, nor the other way round. Raises PathNotFound, PathRefused, LayerError; Conflict when its
        file system is read-only; OSError.
        """
        if self.config.read_only:
            raise Conflict(f"container {self._label}: container rootfs is marked read-only")
        with self._services.images.spool() as spool:
            async for piece in source:
                await self._services.worker.run(spool.write, piece)
            spool.seek(0)
            async with self.rootfs() as root:
                await self._services.worker.run(archive.give, root, path, spool, keep_kinds=keep_kinds)

    async def exec(self, config: ExecConfig) -> Exec:
        """Prepare another process in it; ``Exec.start`` runs it. Raises NotRunning, Paused, RemovalInProgress."""
        after(self._label, self._record.status, Action.EXEC)
        made = await self._execs.create(config)
        await self._publish(f"exec_create: {' '.join(config.args)}", execID=made.id)
        return made

    def execs(self) -> list[Exec]:
        """Those that were prepared, run, or ended not long ago."""
        return self._execs.list()

    def get_exec(self, exec_id: str) -> Exec:
        """Raises ExecNotFound."""
        return self._execs.get(exec_id)

    async def attach(
        self, *, stdin: bool = False, stdout: bool = True, stderr: bool = True, logs: bool = False, stream: bool = True
    ) -> Attachment:
        """Watch and feed the running process, or the next run when it does not run yet.

        With ``logs`` what was said before comes first, without a gap or an overlap; without ``stream`` nothing comes after it.
        """
        backlog = self._log.backlog(stdout=stdout, stderr=stderr) if logs else None
        attachment = await self._stdio.attach(stdin=stdin, stdout=stdout, stderr=stderr, backlog=backlog)
        if not stream:
            attachment.end()
        await self._publish("attach")
        return attachment

    async def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal a new size; without a terminal there is nothing to tell, and that is no error. Raises NotRunning."""
        process = self._running_process()
        if self.config.terminal:
            with asking(self._label):
                await self._services.worker.run(process.resize, rows, columns)
        await self._publish("resize", height=str(rows), width=str(columns))

    async def logs(
        self,
        *,
        follow: bool = False,
        since_ns: int | None = None,
        until_ns: int | None = None,
        tail: int | None = None,
        stdout: bool = True,
        stderr: bool = True,
    ) -> AsyncIterator[LogRecord]:
        """What it has said: the last ``tail`` records, of those the ones between the two times; ``follow`` until it ends.

        Raises Unsupported when its log driver keeps nothing.
        """
        query = Query(since_ns=since_ns, until_ns=until_ns, tail=tail, stdout=stdout, stderr=stderr)
        async for record in self._log.read(query, self._notifier(follow)):
            yield record

    async def log_blocks(
        self,
        render: Callable[[list[LogBatch]], _T],
        *,
        follow: bool = False,
        since_ns: int | None = None,
        until_ns: int | None = None,
        tail: int | None = None,
        stdout: bool = True,
        stderr: bool = True,
    ) -> AsyncIterator[_T]:
        """The same for who wants bytes and not records: what ``render`` makes of some mebibyte of log at a time, in the thread that reads it.

        ``lambda batches: b"".join(batch.data for batch in batches)`` gives what was said as it was said.
        """
        query = Query(since_ns=since_ns, until_ns=until_ns, tail=tail, stdout=stdout, stderr=stderr)
        async with contextlib.aclosing(self._log.read_blocks(query, render, self._notifier(follow))) as blocks:
            async for block in blocks:
                yield block

    @property
    def log_path(self) -> Path | None:
        """The file its log driver writes now; None when nothing is kept."""
        return self._log.path

    async def stats(self) -> pyrunc.Stats:
        """What it uses at this moment. Raises NotRunning."""
        process = self._running_process()
        with asking(self._label):
            return await self._services.worker.run(process.stats)

    async def top(self) -> list[ProcessInfo]:
        """Its processes, with the host's pids. Raises NotRunning."""
        process = self._running_process()
        with asking(self._label):
            return await self._services.worker.run(lambda: describe(process.processes()))

    @property
    def faults(self) -> Faults:
        """What can be made to happen to it: a disk that is full, a network that is parted, a clock that is wrong."""
        return Faults(self)

    def rootfs(self) -> AbstractAsyncContextManager[int]:
        """Its file system as a directory's descriptor, for openat2(2) with RESOLVE_IN_ROOT; while it runs the one its processes see."""
        return container_root(self._services, self._record)

    # -- for faults; not for users ---------------------------------------------------------------------------------------------

    async def on_process(self, do: Callable[[pyrunc.Container], _T]) -> _T:
        """See Subject."""
        process = self._running_process()
        with asking(self._label):
            return await self._services.worker.run(do, process)

    def shift_clock(self, seconds: float) -> None:
        """See Subject."""
        self._clock_shift = seconds

    def writable(self) -> str:
        """See Subject."""
        return self._services.snapshots.writable(self.id)

    # -- for the collection and for recovery; not for users ------------------------------------------------------------------

    @property
    def record(self) -> ContainerRecord:
        """What is remembered of it."""
        return self._record

    async def adopt(self, process: pyrunc.Container, status: Status, pid: int) -> None:
        """Go on with a process that another supervisor started; it may have ended meanwhile."""
        async with self._lock:
            fresh = self._record.status not in {Status.RUNNING, Status.PAUSED, Status.REMOVING}
            run = await launch.connect(self._services, self._record, process, self._stdio)
            self._began(process, run)
            status = Status.REMOVING if self._record.status is Status.REMOVING else status
            started = launch.now() if fresh else self._record.started_ns
            record = evolve(self._record, status=status, pid=pid or self._record.pid, started_ns=started)
            await self._save(record, "start" if fresh else None)
            await self._execs.adopt(process)
        if status is Status.RUNNING:
            self._prober.start()

    async def vanished(self) -> None:
        """Its process is gone and nobody saw how: the machine was restarted, or the runtime's state was deleted."""
        status = ExitStatus(
            code=255, exited_at=datetime.now(UTC), error="the container ended while no supervisor was there to see it"
        )
        async with self._lock:
            await self._record_exit(status)

    def begins_with_the_supervisor(self) -> bool:
        """Whether its policy wants it to run, though it does not, now that a supervisor opens: docker's rule at the start of the daemon."""
        record = self._record
        if record.status is Status.RESTARTING:
            return True
        return (
            record.status is Status.EXITED
            and bool(record.started_ns)
            and self._restarts.wanted(record, record.exit_code)
        )

    async def begin_with_the_supervisor(self) -> None:
        """Start it for that reason; what becomes of it is to be read from ``info()``."""
        if self._record.status is Status.EXITED:
            async with self._lock:
                if not self.begins_with_the_supervisor():
                    return
                await self._save(evolve(self._record, status=Status.RESTARTING))
        await self._start_again()

    async def finish_removal(self) -> None:
        """Complete a removal that was begun, or that its end demands."""
        if self._record.status is not Status.REMOVING:
            await self._remove(Action.REMOVE_BY_FORCE)
        else:
            if self._record.pid:  # it was to be killed, and nobody has written down that it has died
                async with self._lock:
                    await self._record_exit(ExitStatus(code=128 + SIGKILL, exited_at=datetime.now(UTC)))
            await self._remove_all()

    async def close(self) -> None:
        """Let go of it; it goes on running."""
        await self._restarts.close()
        for task in [*self._begun]:
            await asyncio.gather(task, return_exceptions=True)
        await self._prober.stop()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._run is not None:
            self._run.close()
        await self._execs.close()
        self._stdio.close()
        self._waiters.close()

    # -- inside -----------------------------------------------------------------------------------------------------------------

    @property
    def _label(self) -> str:
        return f"/{self.name}" if self.name else self.id

    def _notifier(self, follow: bool) -> Notifier | None:
        return self._stdio.notifier if follow and self._is_active() else None

    @property
    def _stop_timeout(self) -> float:
        return _STOP_TIMEOUT if self.config.stop_timeout is None else self.config.stop_timeout

    def _is_active(self) -> bool:
        return self._record.status in {Status.RUNNING, Status.PAUSED, Status.RESTARTING} or self._run is not None

    def _running_process(self) -> pyrunc.Container:
        if self._process is None or self._record.status not in {Status.RUNNING, Status.PAUSED}:
            raise NotRunning(f"container {self._label} is not running")
        return self._process

    def _last_exit(self) -> ExitStatus:
        ended = self._record
        return ExitStatus(
            code=ended.exit_code, exited_at=moment(ended.finished_ns), oom_killed=ended.oom_killed, error=ended.error
        )

    async def _finish(self, verb: Coroutine[Any, Any, _T]) -> _T:
        """Await ``verb`` so that it goes on to its end when the caller is cancelled."""
        task = asyncio.create_task(verb)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)

    async def _start(self, console_size: tuple[int, int] | None) -> None:
        async with self._lock:
            after(self._label, self._record.status, Action.START)
            self._restarts.reset()
            await self._run_once(console_size, evolve(self._record, restart_count=0, stopped_by_hand=False))

    async def _start_again(self) -> None:
        """What the restart policy has asked for, unless it was called off meanwhile."""
        async with self._lock:
            if self._record.status is Status.RESTARTING:
                await self._finish(self._run_once(None, self._record))

    async def _run_once(self, console_size: tuple[int, int] | None, record: ContainerRecord) -> None:
        """Under the lock. ``record`` is what it is from now on if there is a run."""
        with span("supervisor", "start"):
            try:
                shared = launch.shared(record, self._neighbours)
                shifted = self._with_shifted_clock(record)
                process, run = await launch.launch(self._services, shifted, self._stdio, shared, console_size)
            except (SupervisorError, OSError) as error:
                await self._start_failed(error)
                raise
            try:
                with span("supervisor", "record start"):
                    await self._started(record, process, run)
            except BaseException:  # what is not recorded must not run: nobody would watch it
                await launch.undo(self._services, process, run, self._stdio)
                raise
        await self._stdio.begin()
        self._prober.start()

    def _with_shifted_clock(self, record: ContainerRecord) -> ContainerRecord:
        """For this run only: what is recorded is what its creator decided."""
        if not self._clock_shift:
            return record
        return evolve(record, config=evolve(record.config, clock_offset=record.config.clock_offset + self._clock_shift))

    async def _copy_to(self, key: str) -> None:
        """Nobody starts, ends or pauses it meanwhile."""
        async with self._lock:
            self._check_files()
            with span("supervisor", "fork snapshot"):
                await self._services.worker.run(self._fork_snapshot, key, self._process)

    def _fork_snapshot(self, key: str, process: pyrunc.Container | None) -> None:
        snapshots = launch.forking(self._services)
        if process is not None and self._record.status is Status.RUNNING:
            snapshots.flush(self.id)
            with still(self._services, self.id, process):
                snapshots.fork(key, self.id, in_use=True)
        else:
            snapshots.fork(key, self.id, in_use=process is not None)

    def _check_files(self) -> None:
        if self._record.status in {Status.REMOVING, Status.DEAD}:
            raise refusal(self._label, Status.REMOVING, Action.REMOVE)

    async def _commit(
        self, base: Image, config: Mapping[str, Any], reference: str | None, step: Mapping[str, str], *, pause: bool
    ) -> Image:
        async with self._lock:
            self._check_files()
            pieces = self._still_layer(self._process if pause else None)
            try:
                with span("supervisor", "commit"):
                    source = Pieces(pieces).as_file()
                    return await self._services.images.add_layer(base, source, config, reference, step=step)
            finally:
                await self._services.worker.run(
                    pieces.close
                )  # if it was not read to its end, it still holds the processes

    def _still_layer(self, process: pyrunc.Container | None) -> Generator[bytes, None, None]:
        """The layer of what it has written; a process that runs is held still from the first byte to the last."""
        running = process is not None and self._record.status is Status.RUNNING
        with still(self._services, self.id, process) if process and running else contextlib.nullcontext():
            yield from difference.layer(self._services, self.id)

    async def _started(self, record: ContainerRecord, process: pyrunc.Container, run: Run) -> None:
        check, health = record.config.health, record.health or Health()
        record = evolve(
            record,
            status=Status.RUNNING,
            pid=process.pid,
            started_ns=launch.now(),
            finished_ns=0,
            exit_code=0,
            error="",
            oom_killed=False,
            health=health.restarted() if check is not None and check.probes else None,
        )
        await self._save(record, "start")
        self._began(process, run)

    def _began(self, process: pyrunc.Container, run: Run) -> None:
        self._process, self._run = process, run
        self._watcher = asyncio.create_task(self._watch(run))

    async def _start_failed(self, error: Exception) -> None:
        code = getattr(error, "exit_code", 128)
        self._stdio.hub.end()  # those who watch for the run that has not come to be
        again = self._record.status is Status.RESTARTING
        status = Status.EXITED if again else self._record.status
        await self._save(evolve(self._record, status=status, exit_code=code, error=str(error)))
        if again:
            self._waiters.exited(self._last_exit())
        if self.config.remove_on_exit and not self._restarting:
            # Not here, because the lock is held.
            self._watcher = asyncio.create_task(self._remove_itself())

    async def _watch(self, run: Run) -> None:
        ended = await run.ended()
        status = ExitStatus(code=ended.code, exited_at=ended.exited_at, oom_killed=ended.oom_killed)
        async with self._lock:
            self._stdio.disconnect()
            await self._record_exit(status, again=self._restarts.wanted(self._record, status.code))
            await self._clear_run()
        if self._record.status is Status.RESTARTING:
            self._restarts.schedule((self._record.finished_ns - self._record.started_ns) / 1e9, self._start_again)
        elif self.config.remove_on_exit and not self._restarting:
            await self._remove_itself()

    async def _clear_run(self) -> None:
        """Whatever goes wrong with what a run has left, the container is started again, or removed, as it is to be."""
        try:
            await self._execs.container_ended()
            await self._prober.stop()
        except Exception:
            _logger.exception("%s: what its run has left is not ended", self._label)
        process, self._process = self._process, None
        if process is not None:
            await self._delete(process)

    async def _delete(self, process: pyrunc.Container) -> None:
        """What is left of the run. If that fails (a process hangs in the kernel), the next start or the removal tries again."""
        try:
            await self._services.worker.run(process.delete, force=True)
        except (pyrunc.PyruncError, OSError):
            _logger.exception("%s: what its run has left is not deleted", self._label)

    async def _remove_itself(self) -> None:
        """docker's ``--rm``; somebody else may be faster."""
        try:
            await self._remove(Action.REMOVE)
        except Conflict:
            pass
        except Exception:
            _logger.exception("%s: could not be removed after its end", self._label)

    async def _record_exit(self, status: ExitStatus, *, again: bool = False) -> None:
        """``again``: another run will follow. Who waits is told all the same, as docker has it: a run has ended."""
        before = self._record
        again = again and before.status in {Status.RUNNING, Status.PAUSED}
        record = evolve(
            before,
            status=after(self._label, before.status, Action.EXIT_TO_RESTART if again else Action.EXIT),
            pid=0,
            exit_code=status.code,
            error=status.error,
            oom_killed=status.oom_killed,
            finished_ns=launch.nanoseconds(status.exited_at),
            restart_count=before.restart_count + again,
            health=before.health.unwatched() if before.health is not None else None,
        )
        duration = max(0, record.finished_ns - record.started_ns) // 10**9
        events = [container_event(record, "oom")] if status.oom_killed else []
        events.append(container_event(record, "die", exitCode=str(status.code), execDuration=str(duration)))
        try:
            await self._write(record, *events)
        except StoreFailed:
            _logger.exception("%s: its end is not recorded", self._label)
            self._record = record
        self._run = (
            None  # in the same step: who comes to wait after the others were told must not find a run that has ended
        )
        self._waiters.exited(status)

    async def _gave_up(self) -> bool:
        """Whether it was waiting to be started again, which it does no longer."""
        if not self._is_restarting():
            return False
        async with self._lock:
            if not self._is_restarting():  # it was faster
                return False
            status = after(self._label, self._record.status, Action.GIVE_UP)
            await self._save(evolve(self._record, status=status, stopped_by_hand=True))
        self._waiters.exited(self._last_exit())
        return True

    def _is_restarting(self) -> bool:
        return self._record.status is Status.RESTARTING

    async def _by_hand(self) -> None:
        """Somebody ends the present run: it is not to be started again, and a policy may ask for this later, too."""
        self._restarts.called_off = True
        if self.config.restart.name == "no" or self._record.stopped_by_hand:
            return
        async with self._lock:
            await self._save(evolve(self._record, stopped_by_hand=True))

    async def _probed(self, result: HealthResult) -> None:
        async with self._lock:
            record, check = self._record, self._record.config.health
            if check is None or record.health is None or record.status is not Status.RUNNING:
                return
            health = record.health.after(result, check, record.started_ns)
            changed = health.status != record.health.status
            await self._save(evolve(record, health=health), f"health_status: {health.status}" if changed else None)

    async def _signal(self, number: int) -> None:
        after(self._label, self._record.status, Action.KILL)
        process = self._process
        if process is None:
            raise NotRunning(f"container {self._label} is not running")
        with asking(self._label):
            await self._services.worker.run(process.kill, number)
        await self._publish("kill", signal=str(number))
        if self._record.status is Status.PAUSED and number == parse(self.config.stop_signal or SIGTERM):
            await self.resume()  # as dockerd: who wants it to end wants it to see the signal; SIGKILL needs no help

    def _ending(self) -> asyncio.Future[ExitStatus]:
        """A waiter for the end of this run. NotRunning when there is none."""
        after(self._label, self._record.status, Action.KILL)
        return self._waiters.add("next-exit")

    async def _kill_for_good(self, ended: asyncio.Future[ExitStatus]) -> None:
        try:
            await self._signal(SIGKILL)
        except NotRunning:
            return
        await ended

    async def _change(self, action: Action, do: Callable[[pyrunc.Container], None]) -> None:
        """Pause or resume."""
        async with self._lock:
            following = after(self._label, self._record.status, action)
            process = self._running_process()
            with asking(self._label):
                await self._services.worker.run(do, process)
            health = self._record.health
            if action is Action.PAUSE and health is not None:
                health = health.unwatched()
            await self._save(evolve(self._record, status=following, health=health), action.value)
        if action is Action.RESUME:
            self._prober.start()
        else:
            await self._prober.stop()

    async def _update(self, changes: Changes) -> None:
        async with self._lock:
            if self._record.status is Status.REMOVING:
                raise refusal(self._label, Status.REMOVING, Action.REMOVE)
            record = evolve(self._record, config=changes.applied_to(self.config))
            process = self._process
            if process is not None and changes.resources is not None and self._record.pid:
                with asking(self._label):
                    await self._services.worker.run(process.update, changes.limits(record.config))
            event = container_event(record, "update")

            def write(connection: sqlite3.Connection) -> None:
                store.update_config(connection, record)
                event_log.append(connection, event)

            await self._services.database.write(write)
            self._record = record
            self._services.events.announce()

    async def _remove(self, action: Action) -> None:
        async with self._lock:
            following = evolve(self._record, status=after(self._label, self._record.status, action))
            try:
                await self._save(following)
            except StoreFailed:
                self._record = following  # the disk is full, and this container may be what has filled it
            ended = self._waiters.add("next-exit") if self._run is not None else None
        if ended is not None:
            with self._dead_if_it_fails():
                await self._end_by_force(ended)
        await self._remove_all()

    async def _end_by_force(self, ended: asyncio.Future[ExitStatus]) -> None:
        with contextlib.suppress(
            NotRunning, StoreFailed
        ):  # it ended by itself; or there is no room to write of the signal, after it
            await self._signal(SIGKILL)
        await ended

    async def _remove_all(self) -> None:
        """Everything that belongs to it, the record last: what fails or is killed in between is taken up again."""
        async with self._lock:
            with self._dead_if_it_fails(), span("supervisor", "remove"):
                await launch.discard(self._services, self.id)
            event = container_event(self._record, "destroy")

            def write(connection: sqlite3.Connection) -> None:
                store.delete(connection, self.id)
                event_log.append(connection, event)

            await self._services.database.write(write)
            self._services.events.announce()
            self._neighbours.forget(self.id)
            self._stdio.close()
        self._waiters.removed(self._last_exit())

    @contextlib.contextmanager
    def _dead_if_it_fails(self) -> Iterator[None]:
        """Around the parts of a removal: ``dead`` is what dockerd calls a container that can only be removed once more."""
        try:
            yield
        except (SupervisorError, pyrunc.PyruncError, OSError) as error:
            self._record = evolve(
                self._record, status=Status.DEAD, error=str(error)
            )  # in the metadata: still being removed
            raise RuntimeFailed(f"container {self._label} is not removed, which can be tried again: {error}") from error

    async def _rename(self, name: str) -> None:
        async with self._lock:
            if self._record.status is Status.REMOVING:
                raise refusal(self._label, Status.REMOVING, Action.REMOVE)
            old, plain = self._record.name, self._neighbours.take_name(self.id, name)
            try:
                await self._save(evolve(self._record, name=plain), "rename", oldName=old or "")
            except BaseException:
                self._neighbours.free_name(self.id, plain)
                raise
            self._neighbours.free_name(self.id, old)

    async def _save(self, record: ContainerRecord, action: str | None = None, **attributes: str) -> None:
        await self._write(record, *([container_event(record, action, **attributes)] if action else []))

    async def _write(self, record: ContainerRecord, *events: Event) -> None:
        """The new record and its events in one transaction; only then it is true."""

        def write(connection: sqlite3.Connection) -> None:
            store.update(connection, record)
            for event in events:
                event_log.append(connection, event)

        await self._services.database.write(write)
        self._record = record
        if events:
            self._services.events.announce()

    async def _publish(self, action: str, **attributes: str) -> None:
        event = container_event(self._record, action, **attributes)
        await self._services.events.publish(event.type, event.action, event.actor, event.attributes)
