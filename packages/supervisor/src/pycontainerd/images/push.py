"""Images into registries: layers that are not there, then the configuration, then the manifest under its tag."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from attrs import evolve, frozen
from isal import isal_zlib

from pycontainerd.content.blob import PIECE
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import ContentNotFound, ImageError
from pycontainerd.images import mediatypes
from pycontainerd.images.documents import Descriptor, Manifest
from pycontainerd.images.image import Image, Layer
from pycontainerd.images.manifests import made_manifest, own_manifest, stored_layer
from pycontainerd.images.progress import Progress, Report, Step
from pycontainerd.images.reference import Remote
from pycontainerd.images.sources import came_from, sources_of
from pycontainerd.images.together import together
from pycontainerd.registry.repository import Repository
from pycontainerd.registry.upload import Outgoing, Uploader
from pycontainerd.worker import Worker

_GZIP = "pycontainerd/gzip"
"""The label of a plain layer that says what it is as gzip: ``DIGEST/SIZE``. Compressing gives the same bytes each time."""
_GZIP_LEVEL = 2
_GZIP_WRAPPER = 31  # zlib's word for gzip with the largest window


@frozen
class Pusher:
    """What is pushed has to be held by a lease of the caller."""

    content: ContentStore
    worker: Worker
    parallel: int

    async def push(self, repository: Repository, image: Image, remote: Remote, report: Report) -> Manifest:
        """The manifest that the registry has then. RegistryError, AccessDenied; ImageError for a layer that is not here."""
        for layer in dict.fromkeys(image.blobs):
            report(Progress(Step.PREPARING, layer.diff_id, 0, layer.size))
        own = own_manifest(image)
        layers = own.layers if own is not None else await self._compressed(image)
        gate = asyncio.Semaphore(self.parallel)
        async with together() as tasks:
            unique = {
                descriptor.digest: (descriptor, layer) for descriptor, layer in zip(layers, image.blobs, strict=True)
            }
            for descriptor, layer in unique.values():
                if not mediatypes.is_foreign(descriptor.media_type):
                    tasks.create_task(self._layer(repository, descriptor, layer, gate, report))
        manifest = own or made_manifest(image, layers)
        await self._config(repository, manifest.config, image)
        await repository.put_manifest(remote.reference, manifest.media_type, manifest.document)
        report(Progress(Step.DONE, manifest.digest, len(manifest.document), detail=remote.reference))
        return manifest

    async def _compressed(self, image: Image) -> list[Descriptor]:
        """The layers as they are sent: plain ones as gzip."""
        return [await self.worker.run(self._described, layer) for layer in image.blobs]

    def _described(self, layer: Layer) -> Descriptor:
        try:
            stored = stored_layer(layer.digest, layer.size, self.content)
            if stored.media_type != mediatypes.LAYER:
                return stored
            digest, _, size = self.content.labels(layer.digest).get(_GZIP, "").partition("/")
            if not digest:
                with self._gzipped(layer.digest) as made:
                    digest, size = made.digest, str(made.size)
                self.content.label(layer.digest, {_GZIP: f"{digest}/{size}"})
        except ContentNotFound as error:
            raise ImageError(f"layer {layer.digest}: is not here any more: import or pull the image again") from error
        return evolve(stored, media_type=f"{mediatypes.LAYER}+gzip", digest=digest, size=int(size))

    async def _layer(
        self, repository: Repository, descriptor: Descriptor, layer: Layer, gate: asyncio.Semaphore, report: Report
    ) -> None:
        async with gate:
            if await repository.has_blob(descriptor.digest, descriptor.size):
                report(Progress(Step.EXISTS, layer.diff_id, layer.size, layer.size))
            elif (source := await self._mounted(repository, descriptor, layer)) is not None:
                report(Progress(Step.MOUNTED, layer.diff_id, layer.size, layer.size, detail=source))
            else:
                await self._send(repository, descriptor, layer, report)
                report(Progress(Step.PUSHED, layer.diff_id, descriptor.size, descriptor.size))
            await self.worker.run(self._remember, repository, layer)

    async def _mounted(self, repository: Repository, descriptor: Descriptor, layer: Layer) -> str | None:
        known = await self.worker.run(sources_of, self.content, layer.digest, repository.host)
        for source in reversed(known):
            if source != repository.name and await Uploader(repository, self.worker).mount(descriptor.digest, source):
                return source
        return None

    async def _send(self, repository: Repository, descriptor: Descriptor, layer: Layer, report: Report) -> None:
        def sent(size: int) -> None:
            report(Progress(Step.PUSHING, layer.diff_id, size, descriptor.size))

        opened = self._outgoing(descriptor, layer)
        blob = await self.worker.run(opened.__enter__)
        try:
            await Uploader(repository, self.worker).send(blob, sent)
        finally:
            opened.__exit__(None, None, None)

    @contextmanager
    def _outgoing(self, descriptor: Descriptor, layer: Layer) -> Iterator[Outgoing]:
        if descriptor.digest == layer.digest:
            with self.content.open(layer.digest) as file:
                yield Outgoing(digest=layer.digest, size=layer.size, file=file)
        else:
            with self._gzipped(layer.digest) as made:
                if (
                    made.digest != descriptor.digest
                ):  # another version of the compressor than the one that the label is of
                    self.content.label(layer.digest, {_GZIP: None})
                    raise ImageError(f"layer {layer.digest}: compresses differently than before; push again")
                yield made

    @contextmanager
    def _gzipped(self, digest: str) -> Iterator[Outgoing]:
        """A layer as gzip, in a temporary file."""
        with self.content.open(digest) as plain, self.content.spool() as spool:
            found, size = _gzip(plain, spool)
            yield Outgoing(digest=found, size=size, file=spool)

    async def _config(self, repository: Repository, descriptor: Descriptor, image: Image) -> None:
        data = image.document.encode()
        if not await repository.has_blob(descriptor.digest, len(data)):
            blob = Outgoing(digest=descriptor.digest, size=len(data), file=io.BytesIO(data))
            await Uploader(repository, self.worker).send(blob, _ignored)

    def _remember(self, repository: Repository, layer: Layer) -> None:
        with contextlib.suppress(ContentNotFound):
            came_from(self.content, layer.digest, repository.host, repository.name)


def _gzip(source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    """Compress without a time in the header: equal layers have equal digests. The digest and the size."""
    packer = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, _GZIP_WRAPPER)
    hashed, size = hashlib.sha256(), 0
    for piece in _pieces(source):
        packed = packer.compress(piece) if piece else packer.flush()
        hashed.update(packed)
        target.write(packed)
        size += len(packed)
    target.flush()
    return f"sha256:{hashed.hexdigest()}", size


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece
    yield b""


def _ignored(size: int) -> None:
    """Small."""
