"""Images out of registries: the manifest, then its layers at once, each unpacked as soon as it is there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from attrs import frozen

from pycontainerd.content.ingest import Ingest
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import (
    ContentNotFound,
    DigestMismatch,
    ImageError,
    ManifestNotFound,
    RegistryError,
    RegistryUnavailable,
    SupervisorError,
)
from pycontainerd.images import mediatypes
from pycontainerd.images.archive import chosen
from pycontainerd.images.catalogue import Catalogue
from pycontainerd.images.documents import Descriptor, Manifest, image_only, read_document
from pycontainerd.images.happenings import image_event
from pycontainerd.images.image import Image, Layer, chain_ids, expected_diff_ids, image_of
from pycontainerd.images.importing import Importer, image_name
from pycontainerd.images.keeping import Keeping, keeping
from pycontainerd.images.platforms import Platform, platform_of
from pycontainerd.images.progress import Progress, Report, Step
from pycontainerd.images.reference import Remote
from pycontainerd.images.sources import came_from
from pycontainerd.images.stack import Stack
from pycontainerd.images.together import together
from pycontainerd.images.unpack import Unpacker
from pycontainerd.leases import Lease
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.leases.resource import LeaseResource
from pycontainerd.registry.download import Downloader, Wanted
from pycontainerd.registry.repository import Found, Repository
from pycontainerd.worker import Worker, ended, to_its_end

_CONFIG_LIMIT = 8 << 20
_News: TypeAlias = asyncio.Queue[tuple[int, Step] | None]
"""What happens to the layers while they are unpacked; None is the end."""


@frozen
class _Holding:
    """``lease`` holds what is used as long as the work goes on; ``kept`` keeps what is complete, should it come to no end."""

    lease: Lease
    kept: Keeping


@frozen
class Puller:
    """What is brought in is held by the ``lease`` of the caller until the catalogue has it."""

    content: ContentStore
    catalogue: Catalogue
    unpacker: Unpacker
    importer: Importer
    worker: Worker
    parallel: int

    async def pull(
        self,
        sources: Sequence[Repository],
        remote: Remote,
        platform: Platform,
        report: Report,
        lease: Lease,
        kept: LeaseManager,
    ) -> Image:
        """The image, under its name. What is refused leaves nothing; what has come from a registry that is not there any more is kept for later."""
        name = image_name(remote.familiar)
        if (known := await self._up_to_date(sources, remote, name, platform)) is not None:
            return self._told(known, remote, report)
        sources, found = await self._resolve(sources, remote.reference, f"manifest {remote.familiar}")
        manifest = await self._manifest(sources, found, remote, platform)
        report(Progress(Step.RESOLVED, found.digest))
        names = tuple(dict.fromkeys((name, f"{remote.name}@{found.digest}")))
        async with keeping(kept, remote.familiar) as kept_so_far:
            try:
                image = await self._image(sources, manifest, lease)
                await self._layers(sources, manifest, image, report, _Holding(lease, kept_so_far))
            except RegistryUnavailable:
                raise
            except SupervisorError:
                await self.worker.run(self._forget, manifest)
                raise
            pulled = await to_its_end(self.worker.run(self._keep, image, names, remote, sources[0], manifest, lease))
        report(Progress(Step.DONE, found.digest, detail=remote.reference))
        return pulled

    # -- what it is ----------------------------------------------------------------------------------------------------------

    async def _up_to_date(
        self, sources: Sequence[Repository], remote: Remote, name: str, platform: Platform
    ) -> Image | None:
        """The image that has the name already, if the registry still means the same by it. One request without a body."""
        known = self.catalogue.named(name)
        if known is None or platform_of(known.os, known.architecture, known.variant or "") != platform:
            return None
        for source in sources:
            with contextlib.suppress(RegistryError, ManifestNotFound):
                found = await source.resolve(remote.reference, mediatypes.ACCEPTED)
                if found is None or f"{remote.name}@{found.digest}" not in known.digests:
                    return None
                return known if await self.worker.run(self._is_whole, known) else None
        return None

    def _is_whole(self, image: Image) -> bool:
        return all(self.content.has(layer.digest) for layer in image.blobs)

    def _told(self, image: Image, remote: Remote, report: Report) -> Image:
        digest = next(name for name in image.digests if name.startswith(f"{remote.name}@")).partition("@")[2]
        report(Progress(Step.RESOLVED, digest))
        report(Progress(Step.DONE, digest, detail=remote.reference))
        return image

    async def _resolve(
        self, sources: Sequence[Repository], reference: str, what: str
    ) -> tuple[list[Repository], Found]:
        """What the first source that has it has, and the sources with that one in front. The registry's own word is the last."""
        for number, source in enumerate(sources):
            try:
                found = await source.manifest(reference, mediatypes.ACCEPTED)
            except (RegistryError, ManifestNotFound, DigestMismatch):
                if number == len(sources) - 1:
                    raise
            else:
                return [source, *(other for other in sources if other is not source)], found
        raise ImageError(f"{what}: nowhere to pull from")

    async def _manifest(
        self, sources: Sequence[Repository], found: Found, remote: Remote, platform: Platform
    ) -> Manifest:
        where = f"manifest {remote.familiar}"
        document = read_document(found.data, found.media_type, where)
        for _ in range(4):  # an index may name another one; none can name itself
            if isinstance(document, Manifest):
                return image_only(document, where)
            descriptor = chosen(document, platform, where)
            data = await self._by_digest(sources, descriptor)
            document = read_document(data, descriptor.media_type, f"manifest {descriptor.digest}")
        raise ImageError(f"{where}: indexes in indexes in indexes")

    async def _by_digest(self, sources: Sequence[Repository], descriptor: Descriptor) -> bytes:
        _, found = await self._resolve(sources, descriptor.digest, f"manifest {descriptor.digest}")
        if found.size != descriptor.size:
            raise DigestMismatch(f"manifest {descriptor.digest}: size", descriptor.size, found.size)
        return found.data

    async def _image(self, sources: Sequence[Repository], manifest: Manifest, lease: Lease) -> Image:
        """The image as its configuration describes it. Its layers are still to come."""
        config = manifest.config
        if config.size > _CONFIG_LIMIT:
            raise ImageError(f"image configuration: larger than {_CONFIG_LIMIT} bytes")
        what = "image configuration"
        downloader = Downloader(self.content, self.worker)
        await downloader.fetch(sources, Wanted(digest=config.digest, size=config.size, what=what), lease, _ignored)
        document = await self.worker.run(self._text, config.digest)
        promised = expected_diff_ids(document)
        if len(promised) != len(manifest.layers):
            raise ImageError(f"{what}: {len(promised)} diff_ids for {len(manifest.layers)} layers")
        blobs = tuple(
            Layer(digest=layer.digest, size=layer.size, diff_id=diff_id)
            for layer, diff_id in zip(manifest.layers, promised, strict=True)
        )
        size = sum(layer.size for layer in blobs)
        return image_of(document, blobs, size, manifest=manifest.document.decode())

    def _text(self, digest: str) -> str:
        with self.content.open(digest) as file:
            try:
                return file.read().decode()
            except UnicodeDecodeError as error:
                raise ImageError("image configuration: not UTF-8") from error

    # -- its layers ----------------------------------------------------------------------------------------------------------

    async def _layers(
        self, sources: Sequence[Repository], manifest: Manifest, image: Image, report: Report, holding: _Holding
    ) -> None:
        """Download and unpack at once. The first failure ends the rest."""
        gate = asyncio.Semaphore(self.parallel)
        for layer in dict.fromkeys(image.blobs):
            report(Progress(Step.WAITING, layer.digest, 0, layer.size))
        loop = asyncio.get_running_loop()
        news: _News = asyncio.Queue()

        def told(number: int, step: Step) -> None:
            loop.call_soon_threadsafe(news.put_nowait, (number, step))

        stack = await self.worker.run(self.unpacker.stack, image.layers, holding.lease, self.importer.verify, told)
        async with together() as tasks:
            for each in {layer.digest: layer for layer in manifest.layers}.values():
                wanted = {number: blob for number, blob in enumerate(image.blobs) if blob.digest == each.digest}
                tasks.create_task(self._layer(sources, each, gate, report, holding, stack, wanted))
            tasks.create_task(self._unpack(stack, image, news, report, holding))

    async def _layer(
        self,
        sources: Sequence[Repository],
        layer: Descriptor,
        gate: asyncio.Semaphore,
        report: Report,
        holding: _Holding,
        stack: Stack,
        places: Mapping[int, Layer],
    ) -> None:
        """Download it, unless it is there. It is unpacked while it is made safe on the disk."""
        fresh = False

        def arrived(size: int) -> None:
            report(Progress(Step.DOWNLOADING, layer.digest, size, layer.size))

        async def verified(ingest: Ingest) -> None:
            nonlocal fresh
            fresh = True
            report(Progress(Step.DOWNLOADED, layer.digest, layer.size, layer.size))
            number, blob = next(iter(places.items()))
            await to_its_end(self.worker.run(lambda: stack.arriving(number, blob, ingest.reader())))

        urls = layer.urls if mediatypes.is_foreign(layer.media_type) else ()
        wanted = Wanted(digest=layer.digest, size=layer.size, what=f"layer {layer.digest}", urls=urls)
        async with gate:
            await Downloader(self.content, self.worker).fetch(sources, wanted, holding.lease, arrived, verified)
        if not fresh:
            report(Progress(Step.EXISTS, layer.digest, layer.size, layer.size))
        for number, blob in places.items():
            stack.arrived(number, blob)
        await holding.kept.add(LeaseResource.content(layer.digest))

    async def _unpack(self, stack: Stack, image: Image, news: _News, report: Report, holding: _Holding) -> None:
        """Each layer as soon as it is there. In a thread of its own, because it waits for layers that threads of the pool write."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-pull") as thread:
            unpacking = loop.run_in_executor(thread, stack.run)
            unpacking.add_done_callback(lambda _: news.put_nowait(None))
            try:
                await self._follow(image, news, report, holding)
                await unpacking
            finally:
                stack.give_up()
                await ended(unpacking)
                unpacking.exception()  # GivenUp is nobody's business

    async def _follow(self, image: Image, news: _News, report: Report, holding: _Holding) -> None:
        chains = chain_ids(image.layers)
        while (happened := await news.get()) is not None:
            number, step = happened
            layer = image.blobs[number]
            if step is Step.EXTRACTED:
                await holding.kept.add(LeaseResource.snapshot(chains[number]))
            report(Progress(step, layer.digest, layer.size if step is Step.EXTRACTED else 0, layer.size))

    # -- the end -------------------------------------------------------------------------------------------------------------

    def _keep(
        self, image: Image, names: tuple[str, ...], remote: Remote, source: Repository, manifest: Manifest, lease: Lease
    ) -> Image:
        self.unpacker.unpack(image, lease)
        event = image_event(self.catalogue.namespace, image, "pull", actor=remote.familiar, name=remote.name)
        (kept,) = self.importer.keep([(image, names)], [event])
        for layer in manifest.layers:
            with contextlib.suppress(ContentNotFound):
                came_from(self.content, layer.digest, source.host, source.name)
        return kept

    def _forget(self, manifest: Manifest) -> None:
        """What has come of an image that is refused is of no use to anybody."""
        for descriptor in (manifest.config, *manifest.layers):
            with contextlib.suppress(SupervisorError):
                self.content.abort(descriptor.digest)


def _ignored(size: int) -> None:
    """Small."""
