"""A container, as its users hold it: every verb of its life."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import pyrunc
from pycontainerd.containers.config import ContainerConfig, Resources
from pycontainerd.containers.info import ExitStatus, ProcessInfo, Status
from pycontainerd.containers.record import moment
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.containers.states import Action, after, refusal
from pycontainerd.diff.change import Change
from pycontainerd.errors import ReadOnly
from pycontainerd.faults.faults import Faults
from pycontainerd.images.image import Image
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.record import LogBatch, LogRecord
from pycontainerd.tasks import archive, checkpoints, difference, launch
from pycontainerd.tasks.archive import PathStat
from pycontainerd.tasks.attachment import Attachment
from pycontainerd.tasks.changes import Changes
from pycontainerd.tasks.checkpoints import Checkpoint, CheckpointOptions
from pycontainerd.tasks.commit import Pieces, image_configuration, made_by
from pycontainerd.tasks.exec import Exec
from pycontainerd.tasks.failures import asking
from pycontainerd.tasks.flow import flow
from pycontainerd.tasks.life import Life
from pycontainerd.tasks.mounted import Place, opened, place
from pycontainerd.tasks.neighbours import Neighbours
from pycontainerd.tasks.output import Query
from pycontainerd.tasks.processes import describe
from pycontainerd.tasks.rootfs import container_root, owners_seen
from pycontainerd.tasks.signals import SIGKILL, SIGTERM, parse
from pycontainerd.tasks.standstill import still
from pycontainerd.tasks.waiters import WaitCondition
from pycontainerd.tracing import span

_T = TypeVar("_T")


class Container(Life):
    """Get one from ``Supervisor.containers``; there is one object for each container.

    What changes its state (start, pause, remove...) happens one after the other, whoever asks; what is not possible in the state it
    is in raises a Conflict that says why. A verb that was begun is finished although its caller was cancelled.
    """

    _neighbours: Neighbours[Container]

    @property
    def image_id(self) -> str:
        """The image it was made of; it may have been untagged since."""
        return self._record.image_id

    @property
    def created_at(self) -> datetime:
        """UTC."""
        return moment(self._record.created_ns)

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

    async def checkpoint(
        self,
        directory: str | PathLike[str],
        *,
        leave_running: bool = False,
        options: CheckpointOptions | None = None,
    ) -> None:
        """Write its processes to ``directory`` with CRIU, for ``restore``; it has ended then, with 137, unless it is left running.

        What it has written to its files stays there and is no part of the checkpoint: whoever lets it run on and restores it later finds them as they
        are then. Raises NotRunning; Unsupported where CRIU is not installed, or for what cannot be restored (a terminal, a user namespace of its own);
        RuntimeFailed with what CRIU said: it runs on then.
        """
        checkpoint = Checkpoint.at(directory, options)
        checkpoints.check(self._label, self.config)
        async with self._lock:
            process = self._running_process()
            wanted = checkpoint.options.to_save(leave_running=leave_running)
            with asking(self._label):
                await self._services.worker.run(process.checkpoint, checkpoint.directory, wanted)
        await self._publish("checkpoint")

    async def restore(self, directory: str | PathLike[str], *, options: CheckpointOptions | None = None) -> None:
        """Start it with the processes that ``checkpoint`` has written to ``directory``, where they were; ``options`` as they were then.

        Raises what ``start`` does, with what CRIU said; Unsupported where it is not installed.
        """
        checkpoints.check(self._label, self.config)
        await self._finish(self._start(None, Checkpoint.at(directory, options)))

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

    async def export(self) -> AsyncGenerator[bytes, None]:
        """The tar of all its files, as it sees them without what is mounted over them. Raises RemovalInProgress, LayerError, OSError."""
        self._check_files()
        await self._publish("export")
        async with contextlib.aclosing(
            flow(self._services.worker, difference.export(self._services, self.id))
        ) as pieces:
            async for piece in pieces:
                yield piece

    async def stat(self, path: str) -> PathStat:
        """What is at a path of its files; a symlink is not followed. Raises PathNotFound, PathRefused."""
        async with self._files(path) as (root, inside):
            return await self._services.worker.run(archive.look, root, inside, asked=path)

    async def read_archive(self, path: str) -> AsyncGenerator[bytes, None]:
        """The tar of a file or a directory of it, as ``docker cp`` takes it out. Raises PathNotFound, PathRefused, OSError."""
        owners = owners_seen(self._record)
        async with self._files(path) as (root, inside):
            taken = archive.take(root, inside, owners, asked=path)
            async with contextlib.aclosing(flow(self._services.worker, taken)) as pieces:
                async for piece in pieces:
                    yield piece

    async def write_archive(self, path: str, source: AsyncIterable[bytes], *, keep_kinds: bool = False) -> None:
        """Unpack a tar (plain, gzip or zstd) into a directory of it, over what is there; what was written before an error stays.

        ``keep_kinds``: no directory is replaced by a file, nor the other way round. Raises PathNotFound, PathRefused, LayerError; ReadOnly; OSError.
        """
        if self.config.read_only and place(self.config.mounts, path) is None:
            raise ReadOnly(self._label, "container rootfs is marked read-only")
        with self._services.images.spool() as spool:
            async for piece in source:
                await self._services.worker.run(spool.write, piece)
            spool.seek(0)
            owners = owners_seen(self._record)
            async with self._files(path, writes=True) as (root, inside):
                await self._services.worker.run(
                    archive.give, root, inside, spool, owners, keep_kinds=keep_kinds, asked=path
                )

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

    # -- inside -----------------------------------------------------------------------------------------------------------------

    def _mounted_at(self, path: str) -> Place | None:
        return None if self._record.pid else place(self.config.mounts, path)

    @contextlib.asynccontextmanager
    async def _files(self, path: str, *, writes: bool = False) -> AsyncIterator[tuple[int, str]]:
        """The root and the path in it of what it sees at ``path``; while it does not run, what would be mounted there, and nobody starts it meanwhile."""
        async with contextlib.AsyncExitStack() as stack:
            if self._mounted_at(path) is not None:
                await stack.enter_async_context(self._lock)
            found = self._mounted_at(path)
            if found is None:
                yield await stack.enter_async_context(self.rootfs()), path
                return
            if writes and found.read_only:
                raise ReadOnly(self._label, "mounted volume is marked read-only")
            stack.push_async_callback(self._release_mounts)
            await self._services.mounts.prepare(self.id, self.config)
            yield stack.enter_context(opened(found)), found.path

    def _notifier(self, follow: bool) -> Notifier | None:
        return self._stdio.notifier if follow and self._is_active() else None

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
            if (
                self.config.storage_size and process is None
            ):  # what it had written is a layer now, and it goes on with another directory
                launch.limit_snapshot(self._services, self.id, self.config)

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
