"""A container and every verb of its life."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TypeVar

from attrs import frozen

import pyrunc
from pycontainerd.blocking.attachment import Attachment
from pycontainerd.blocking.exec import Exec
from pycontainerd.blocking.faults import Faults
from pycontainerd.blocking.loop import LoopThread, arriving
from pycontainerd.containers.config import ContainerConfig, ExecConfig, Resources
from pycontainerd.containers.info import ContainerInfo, ExitStatus, ProcessInfo
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.diff.change import Change
from pycontainerd.images.image import Image
from pycontainerd.logs.record import LogBatch, LogRecord
from pycontainerd.tasks import container as asynchronous
from pycontainerd.tasks.archive import PathStat
from pycontainerd.tasks.checkpoints import CheckpointOptions
from pycontainerd.tasks.waiters import WaitCondition

_T = TypeVar("_T")


@frozen
class Container:
    """See `pycontainerd.Container`: what each verb means, and what it raises. Two that stand for the same container are equal."""

    _loop: LoopThread
    _container: asynchronous.Container

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._container.id

    @property
    def name(self) -> str | None:
        """Unique among the supervisor's containers."""
        return self._container.name

    @property
    def config(self) -> ContainerConfig:
        """With the image's defaults merged in."""
        return self._container.config

    @property
    def image_id(self) -> str:
        """The image it was made of."""
        return self._container.image_id

    @property
    def created_at(self) -> datetime:
        """UTC."""
        return self._container.created_at

    def info(self) -> ContainerInfo:
        """Its state at this moment."""
        return self._loop.do(self._container.info)

    def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        """Run its process."""
        self._loop.call(self._container.start(console_size=console_size))

    def stop(self, timeout: float | None = None, signal: int | str | None = None) -> None:
        """Ask it to end, kill it after ``timeout`` seconds, and return when it has ended."""
        self._loop.call(self._container.stop(timeout, signal))

    def kill(self, signal: int | str = "KILL") -> None:
        """Send a signal; does not wait for what comes of it."""
        self._loop.call(self._container.kill(signal))

    def waiter(self, condition: WaitCondition = "not-running") -> Future[ExitStatus]:
        """``wait`` as a future, which is in force before this returns."""
        result: Future[ExitStatus] = Future()
        waiting = self._loop.do(lambda: self._container.waiter(condition))

        def tell() -> None:
            waiting.add_done_callback(lambda done: None if done.cancelled() else result.set_result(done.result()))

        self._loop.do(tell)
        return result

    def wait(self, condition: WaitCondition = "not-running", *, timeout: float | None = None) -> ExitStatus:
        """How it ended. Raises TimeoutError after ``timeout`` seconds."""
        return self._loop.call(self._container.wait(condition), timeout)

    def pause(self) -> None:
        """Freeze its processes."""
        self._loop.call(self._container.pause())

    def resume(self) -> None:
        """Let them go on."""
        self._loop.call(self._container.resume())

    def restart(self, timeout: float | None = None, signal: int | str | None = None) -> None:
        """Stop it if it runs, then start it."""
        self._loop.call(self._container.restart(timeout, signal))

    def update(
        self,
        *,
        resources: Resources | None = None,
        restart: RestartPolicy | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Other limits, in force at once if it runs; another restart policy; more annotations."""
        self._loop.call(self._container.update(resources=resources, restart=restart, annotations=annotations))

    def checkpoint(
        self,
        directory: str | PathLike[str],
        *,
        leave_running: bool = False,
        options: CheckpointOptions | None = None,
    ) -> None:
        """Write its processes to ``directory`` with CRIU."""
        self._loop.call(self._container.checkpoint(directory, leave_running=leave_running, options=options))

    def restore(self, directory: str | PathLike[str], *, options: CheckpointOptions | None = None) -> None:
        """Start it with the processes of a checkpoint."""
        self._loop.call(self._container.restore(directory, options=options))

    def rename(self, name: str) -> None:
        """Give it another name."""
        self._loop.call(self._container.rename(name))

    def remove(self, *, force: bool = False, volumes: bool = False) -> None:
        """Delete it, its file system and its log."""
        self._loop.call(self._container.remove(force=force, volumes=volumes))

    def fork(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        config: ContainerConfig | None = None,
        start: bool = True,
    ) -> Container:
        """A new container on the file system that this one has at this moment."""
        fork = self._container.fork(name=name, id=id, config=config, start=start)
        return Container(self._loop, self._loop.call(fork))

    def commit(
        self,
        reference: str | None = None,
        *,
        changes: Sequence[str] = (),
        author: str = "",
        message: str = "",
        pause: bool = True,
    ) -> Image:
        """A new image of its own image's layers and what it has changed on top."""
        commit = self._container.commit(reference, changes=changes, author=author, message=message, pause=pause)
        return self._loop.call(commit)

    def changes(self) -> builtins.list[Change]:
        """What it has added, modified and deleted, sorted by path."""
        return self._loop.call(self._container.changes())

    def export(self) -> Iterator[bytes]:
        """The tar of all its files."""
        return self._loop.iterate(self._container.export())

    def stat(self, path: str) -> PathStat:
        """What is at a path of its files; a symlink is not followed."""
        return self._loop.call(self._container.stat(path))

    def read_archive(self, path: str) -> Iterator[bytes]:
        """The tar of a file or a directory of it."""
        return self._loop.iterate(self._container.read_archive(path))

    def write_archive(self, path: str, source: Iterable[bytes], *, keep_kinds: bool = False) -> None:
        """Unpack a tar into a directory of it, over what is there."""
        self._loop.call(self._container.write_archive(path, arriving(source), keep_kinds=keep_kinds))

    def exec(self, config: ExecConfig) -> Exec:
        """Prepare another process in it."""
        return Exec(self._loop, self._loop.call(self._container.exec(config)))

    def execs(self) -> builtins.list[Exec]:
        """Those that were prepared, run, or ended not long ago."""
        return [Exec(self._loop, found) for found in self._loop.do(self._container.execs)]

    def get_exec(self, exec_id: str) -> Exec:
        """Raises ExecNotFound."""
        return Exec(self._loop, self._loop.do(lambda: self._container.get_exec(exec_id)))

    def attach(
        self, *, stdin: bool = False, stdout: bool = True, stderr: bool = True, logs: bool = False, stream: bool = True
    ) -> Attachment:
        """Watch and feed the running process, or the next run when it does not run yet."""
        attach = self._container.attach(stdin=stdin, stdout=stdout, stderr=stderr, logs=logs, stream=stream)
        return Attachment(self._loop, self._loop.call(attach))

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal a new size."""
        self._loop.call(self._container.resize(rows, columns))

    def logs(
        self,
        *,
        follow: bool = False,
        since_ns: int | None = None,
        until_ns: int | None = None,
        tail: int | None = None,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Iterator[LogRecord]:
        """What it has said; ``follow`` until it ends."""
        records = self._container.logs(
            follow=follow, since_ns=since_ns, until_ns=until_ns, tail=tail, stdout=stdout, stderr=stderr
        )
        return self._loop.iterate(records)

    def log_blocks(
        self,
        render: Callable[[builtins.list[LogBatch]], _T],
        *,
        follow: bool = False,
        since_ns: int | None = None,
        until_ns: int | None = None,
        tail: int | None = None,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Iterator[_T]:
        """The same as ``render`` makes it of some mebibyte at a time."""
        blocks = self._container.log_blocks(
            render, follow=follow, since_ns=since_ns, until_ns=until_ns, tail=tail, stdout=stdout, stderr=stderr
        )
        return self._loop.iterate(blocks)

    @property
    def log_path(self) -> Path | None:
        """The file its log driver writes now; None when nothing is kept."""
        return self._container.log_path

    def stats(self) -> pyrunc.Stats:
        """What it uses at this moment."""
        return self._loop.call(self._container.stats())

    def top(self) -> builtins.list[ProcessInfo]:
        """Its processes."""
        return self._loop.call(self._container.top())

    @property
    def faults(self) -> Faults:
        """What can be made to happen to it."""
        return Faults(self._loop, self._container.faults)

    def rootfs(self) -> AbstractContextManager[int]:
        """Its file system as a directory's descriptor, for openat2(2) with RESOLVE_IN_ROOT."""
        return self._loop.context(self._container.rootfs())
