"""A further process in a running container."""

from __future__ import annotations

from attrs import frozen

from pycontainerd.blocking.attachment import Attachment
from pycontainerd.blocking.loop import LoopThread
from pycontainerd.containers.config import ExecConfig
from pycontainerd.containers.info import ExecInfo
from pycontainerd.tasks import exec as asynchronous


@frozen
class Exec:
    """See `pycontainerd.Exec`. Get one from ``Container.exec``; ``attach`` before ``start`` to see everything."""

    _loop: LoopThread
    _exec: asynchronous.Exec

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self._exec.id

    @property
    def container_id(self) -> str:
        """Where it runs."""
        return self._exec.container_id

    @property
    def config(self) -> ExecConfig:
        """What it runs."""
        return self._exec.config

    def info(self) -> ExecInfo:
        """Its state at this moment."""
        return self._loop.do(self._exec.info)

    def start(self, *, console_size: tuple[int, int] | None = None) -> None:
        """Run it; returns once it runs. Raises what `pycontainerd.Exec.start` raises."""
        self._loop.call(self._exec.start(console_size=console_size))

    def attach(self, *, stdin: bool = False, stdout: bool = True, stderr: bool = True) -> Attachment:
        """Watch and feed it."""
        return Attachment(self._loop, self._loop.call(self._exec.attach(stdin=stdin, stdout=stdout, stderr=stderr)))

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal a new size. Raises NotRunning."""
        self._loop.call(self._exec.resize(rows, columns))

    def kill(self, signal: int | str = "KILL") -> None:
        """Send it a signal. Raises NotRunning, InvalidConfig."""
        self._loop.call(self._exec.kill(signal))

    def wait(self, *, timeout: float | None = None) -> int:
        """Its exit code, once its output was taken. Raises TimeoutError after ``timeout`` seconds."""
        return self._loop.call(self._exec.wait(), timeout)
