"""What builds do with the supervisor: layers taken in, files looked at, commands run, images made. The thin doing layer; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from attrs import define, frozen

from pycontainerd import ContainerConfig, Image, Supervisor
from pycontainerd.containers.config import BindMount, TmpfsMount
from pycontainerd.images.image import Layer, image_of
from pycontainerd.leases import Lease
from pydockerd.builder import cache, layertar
from pydockerd.builder.layertar import Traces
from pydockerd.builder.roottree import viewed
from pydockerd.builder.tree import EmptyTree, Tree
from pydockerd.errors import BuildFailed

_EMPTY: Final = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""The layer in which nothing is: a tar's end and nothing else."""


@frozen(kw_only=True)
class Command:
    """A RUN, all decided: what the request of a container for it says, and its mounts."""

    words: tuple[str, ...]
    env: tuple[str, ...]
    workdir: str
    user: str
    network: str
    mounts: tuple[BindMount | TmpfsMount, ...] = ()
    shown: str = ""


Configure = Callable[[str, Command], ContainerConfig]
"""The configuration of a container of the image with this id for a command."""

Said = Callable[[str], Awaitable[None]]
T = TypeVar("T")


@define
class Workshop:
    """For one build; ``lease`` holds its layers until it is over."""

    supervisor: Supervisor
    configure: Configure
    lease: Lease

    async def take_in(self, pieces: Iterator[bytes]) -> Layer | None:
        """A layer from its tar; None for an empty one."""

        def ingest() -> Layer:
            blob = self.supervisor.content.ingest(layertar.as_file(pieces), self.lease, what="layer")
            return Layer(digest=blob.digest, size=blob.size, diff_id=blob.digest)

        layer = await asyncio.to_thread(ingest)
        return None if layer.digest == _EMPTY else layer

    async def hold(self, *layers: Layer) -> None:
        """They stay as long as the build lasts."""
        await asyncio.to_thread(self.lease.hold, *(layer.digest for layer in layers))

    def has(self, layer: Layer) -> bool:
        """Whether it is in the store."""
        return self.supervisor.content.has(layer.digest)

    @contextlib.asynccontextmanager
    async def files(self, layers: Sequence[Layer]) -> AsyncIterator[Tree]:
        """What these layers make, to be looked into."""
        if not layers:
            yield EmptyTree()
            return
        async with self.supervisor.images.snapshot_for(_loose(layers)) as parent:
            assert parent is not None, "there are layers"
            stack = contextlib.ExitStack()
            try:
                view = viewed(self.supervisor.snapshots, parent)
                yield await _carried(asyncio.to_thread(stack.enter_context, view))
            finally:
                await _carried(asyncio.to_thread(stack.close))

    async def run(
        self,
        layers: Sequence[Layer],
        command: Command,
        say: Said,
        *,
        traces: Traces,
        newest_ns: int | None = None,
    ) -> Layer | None:
        """Run a command on top of the layers; the layer of what it has changed. BuildFailed with its exit code; nothing of it stays then.

        ``traces`` of mounts are no part of the layer; times after ``newest_ns`` are that.
        """
        bench = cache.namespace(self.supervisor)
        image = await self._bench_image(layers)
        try:
            container = await bench.containers.create(self.configure(image.id, command))
            try:
                await say(f" ---> Running in {container.id[:12]}\n")
                attachment = await container.attach()
                await container.start()
                async for chunk in attachment:
                    await say(chunk.data.decode("utf-8", "replace"))
                status = await container.wait()
                if status.code:
                    raise BuildFailed(
                        f"The command '{command.shown}' returned a non-zero code: {status.code}", status.code
                    )
                made = await container.commit()
                layer = made.blobs[-1]
                await self._taken_over(layer)
                await _carried(bench.images.remove(made.id, force=True))
            finally:
                await _carried(container.remove(force=True))
            await say(f" ---> Removed intermediate container {container.id[:12]}\n")
        finally:
            await _carried(bench.images.remove(image.id, force=True))
        layer = await asyncio.to_thread(self._cleaned, layer, traces, newest_ns)
        return None if layer.diff_id == _EMPTY else layer

    def _cleaned(self, layer: Layer, traces: Traces, newest_ns: int | None) -> Layer:
        with self.supervisor.content.open(layer.digest) as file:
            left = layertar.left_out(file, traces)
            if not left and newest_ns is None:
                return layer
            pieces = layertar.rewritten(file, left, newest_ns)
            blob = self.supervisor.content.ingest(layertar.as_file(pieces), self.lease, what="layer")
        return Layer(digest=blob.digest, size=blob.size, diff_id=blob.digest)

    async def image(
        self, layers: Sequence[Layer], document: Mapping[str, Any], references: Sequence[str] = ()
    ) -> Image:
        """The image that a build ends with, under its names."""
        made = await self.supervisor.images.assemble(layers, document, references[0] if references else None)
        for reference in references[1:]:
            await self.supervisor.images.tag(made.id, reference)
        return made

    async def _bench_image(self, layers: Sequence[Layer]) -> Image:
        """What a container is made from, where nobody sees it. Each has one of its own: it goes with its container."""
        bench = cache.namespace(self.supervisor)
        with bench.leases.lease() as lease:

            def prove() -> None:
                lease.hold(*(layer.digest for layer in layers))
                for layer in layers:
                    lease.prove(layer.digest)  # both namespaces are this daemon's

            await asyncio.to_thread(prove)
            document = {"architecture": "", "os": "linux", "config": {}, "history": [], "created": secrets.token_hex(8)}
            return await bench.images.assemble(layers, document)

    async def _taken_over(self, layer: Layer) -> None:
        def take() -> None:
            self.lease.hold(layer.digest)
            self.lease.prove(layer.digest)

        await asyncio.to_thread(take)


def _loose(layers: Sequence[Layer]) -> Image:
    """An image that is in no catalogue."""
    document = json.dumps({"rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}})
    return image_of(document, tuple(layers), 0)


async def _carried(work: Awaitable[T]) -> T:
    """Carried through to its end although the build is being cancelled: what it makes has to be undone, and what it undoes undone as a whole."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
