"""What a fault needs of the container that it befalls: a protocol, because the container knows the faults and not the other way round."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar

import pyrunc
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.info import ContainerInfo, ExitStatus
from pycontainerd.logs.record import LogRecord

T = TypeVar("T")


class Subject(Protocol):
    """A `pycontainerd.Container`."""

    @property
    def id(self) -> str: ...
    @property
    def config(self) -> ContainerConfig: ...
    def info(self) -> ContainerInfo: ...
    async def start(self) -> None: ...
    async def kill(self, signal: int | str = "KILL") -> None: ...
    async def pause(self) -> None: ...
    async def resume(self) -> None: ...
    def waiter(self) -> asyncio.Future[ExitStatus]: ...
    def logs(self, *, follow: bool = False, since_ns: int | None = None) -> AsyncIterator[LogRecord]: ...

    async def on_process(self, do: Callable[[pyrunc.Container], T]) -> T:
        """Run ``do`` in a thread, on what the runtime has. Raises NotRunning, RuntimeFailed."""
        ...

    def shift_clock(self, seconds: float) -> None:
        """Add so much to the clocks of the next run."""
        ...

    def writable(self) -> str:
        """The directory of the host that receives what it writes."""
        ...
