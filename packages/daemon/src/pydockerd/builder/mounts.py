"""``RUN --mount``: files of the context, of stages and images, caches that stay, secrets that do not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from attrs import define, field

from pycontainerd.containers.config import BindMount, TmpfsMount
from pydockerd.builder.build import Build
from pydockerd.builder.dockerfile.instructions import Run
from pydockerd.builder.dockerfile.source import Text
from pydockerd.builder.tree import Tree
from pydockerd.errors import BadRequest

Expand = Callable[[Text], str]
FilesOf = Callable[[Text], AbstractAsyncContextManager[Tree]]
"""The files of a stage or an image that a flag names."""


@define
class Mounted:
    """The mounts of one RUN: ``key`` is what they are as far as the result depends on them, ``targets`` where they are in the container."""

    key: str = ""
    targets: tuple[str, ...] = ()
    mounts: list[BindMount | TmpfsMount] = field(factory=list)

    async def prepare(self) -> tuple[BindMount | TmpfsMount, ...]:
        """Make them ready. Only for a command that is run."""
        return tuple(self.mounts)


@contextlib.asynccontextmanager
async def mounting(build: Build, instruction: Run, expand: Expand, files_of: FilesOf) -> AsyncIterator[Mounted]:
    """Those of a RUN; what they need goes away with the context."""
    if instruction.mounts:
        raise BadRequest("--mount is not supported yet")
    yield Mounted()
