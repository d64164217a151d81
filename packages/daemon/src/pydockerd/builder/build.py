"""What all stages of one build share, and how they find each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from attrs import define, field

from pycontainerd.errors import ImageNotFound
from pydockerd.builder import state as states
from pydockerd.builder.cache import BuildCache
from pydockerd.builder.context import TarTree
from pydockerd.builder.dockerfile.instructions import Dockerfile
from pydockerd.builder.graph import Graph, Node
from pydockerd.builder.options import BuildOptions
from pydockerd.builder.state import State
from pydockerd.builder.transcript import Voice
from pydockerd.builder.workshop import Workshop
from pydockerd.errors import BadRequest
from pydockerd.models.image import Progress

Pull = Callable[[str, str], AsyncIterator[Progress]]
"""Bring the image of a name in, for a platform; the messages of that."""


@define(kw_only=True)
class Build:
    """One of them. ``epoch_ns``: no time in the image is after this one. ``outside`` are arguments that stages may declare."""

    options: BuildOptions
    dockerfile: Dockerfile
    graph: Graph
    context: TarTree
    cache: BuildCache
    workshop: Workshop
    pull: Pull
    architecture: str
    epoch_ns: int | None
    outside: Mapping[str, str]
    mount_options: tuple[str, ...] = ()
    """Of what RUN mounts, such as ``idmap`` where users are remapped."""
    _stages: dict[int, asyncio.Future[State]] = field(factory=dict, init=False)
    _images: dict[str, asyncio.Lock] = field(factory=dict, init=False)

    def expect(self, number: int) -> asyncio.Future[State]:
        """What a stage will have come to; whoever does it says so."""
        return self._stages.setdefault(number, asyncio.get_running_loop().create_future())

    async def done(self, number: int) -> State:
        """A stage, when it is done."""
        return await asyncio.shield(self.expect(number))

    async def base(self, node: Node, voice: Voice) -> State:
        """What a stage begins with."""
        if node.base is None:
            return states.of_scratch(self.architecture)
        if isinstance(node.base, int):
            return await self.done(node.base)
        return await self.image(node.base, node.platform, voice)

    async def image(self, name: str, platform: str, voice: Voice) -> State:
        """An image, brought in if it is not there or the client wants the newest; of the same name once in a build."""
        images = self.workshop.supervisor.images
        first = name not in self._images
        async with self._images.setdefault(name, asyncio.Lock()):
            try:
                found = None if self.options.pull and first else images.get(name)
            except ImageNotFound:
                found = None
            if found is None:
                async for message in self.pull(name, platform or self.options.platform):
                    await voice.pass_on(message)
                found = images.get(name)
        if not found.blobs and found.references == ("host:latest",):
            raise BadRequest("host: the built-in image is a view of this machine; nothing can be built on it")
        await self.workshop.hold(*found.blobs)
        return states.of_image(found)
