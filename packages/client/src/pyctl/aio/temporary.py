"""Containers for as long as a block runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from pyctl.errors import NotFound

if TYPE_CHECKING:
    from pyctl.aio.streams import Runner
    from pyctl.models.create import CreateRequest


class TemporaryContainers:
    """The part of ``client.containers`` that is a context manager."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @contextlib.asynccontextmanager
    async def temporary(
        self, request: CreateRequest, *, name: str | None = None, platform: str | None = None
    ) -> AsyncIterator[str]:
        """A container that runs as long as the body does; its ID. Removed afterwards with its anonymous volumes, whatever happens."""
        created = await self._runner.call(
            lambda client: client.containers.create(request, name=name, platform=platform)
        )
        try:
            await self._runner.call(lambda client: client.containers.start(created.id))
            yield created.id
        finally:
            remove = self._runner.call(lambda client: client.containers.remove(created.id, force=True, volumes=True))
            with contextlib.suppress(NotFound):
                await asyncio.shield(remove)
