"""`AsyncClient`: one daemon, its resources as attributes, as of `pyctl.Client`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pyctl.aio.resources import (
    AsyncContainers,
    AsyncExecs,
    AsyncImages,
    AsyncNetworks,
    AsyncSystem,
    AsyncVolumes,
)
from pyctl.aio.streams import Runner

if TYPE_CHECKING:
    from pyctl.client import Client
    from pyctl.hosts import Tls


class AsyncClient:
    """A client of one daemon, of one event loop. Parameters as for `pyctl.Client`; ``calls`` are made at the same time at most.

    What streams is an async iterator and runs beside that. Methods raise `pyctl.errors.PyctlError`.
    """

    def __init__(
        self,
        host: str | None = None,
        *,
        context: str | None = None,
        tls: Tls | None = None,
        api_version: str | None = None,
        calls: int = 8,
    ) -> None:
        def make() -> Client:
            from pyctl.client import Client

            return Client(host, context=context, tls=tls, api_version=api_version)

        runner = Runner(make, calls)
        self._runner = runner
        self.containers = AsyncContainers(runner)
        """Everything under ``/containers``."""
        self.execs = AsyncExecs(runner)
        """Processes added to running containers."""
        self.images = AsyncImages(runner)
        """Everything under ``/images``."""
        self.networks = AsyncNetworks(runner)
        """Everything under ``/networks``."""
        self.volumes = AsyncVolumes(runner)
        """Everything under ``/volumes``."""
        self.system = AsyncSystem(runner)
        """The daemon: version, info, events."""

    async def aclose(self) -> None:
        """Wait for the calls that run, and close idle connections."""
        await asyncio.shield(self._runner.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
