"""The images of a supervisor: what can be named, loaded, tagged, exported and removed.

Looking up is immediate; everything that reads or writes blobs or the database runs in the supervisor's threads.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final, TypeVar

from pycontainerd.content.growing import Growing
from pycontainerd.content.store import PIECE, ContentStore
from pycontainerd.errors import ImageError, ImageInUse, ImageNotFound, InvalidReference
from pycontainerd.events.event import Event
from pycontainerd.images import export, table
from pycontainerd.images.catalogue import Catalogue
from pycontainerd.images.changes import apply_changes
from pycontainerd.images.export import Form
from pycontainerd.images.happenings import image_event
from pycontainerd.images.host import REFERENCE as HOST_REFERENCE
from pycontainerd.images.host import platform as here
from pycontainerd.images.image import Image, Layer, Removed
from pycontainerd.images.importing import Importer, image_name
from pycontainerd.images.platforms import parse_platform
from pycontainerd.images.progress import Report, silent
from pycontainerd.images.reference import familiar, name_of, remote
from pycontainerd.images.unpack import Unpacker
from pycontainerd.leases import Lease, Leases
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.registry.credentials import Credentials
from pycontainerd.registry.registries import RegistryClient
from pycontainerd.snapshots.overlayfs import HOST
from pycontainerd.worker import Worker, ended

Source = Path | AsyncIterable[bytes]
"""An archive: a file (for an OCI layout also its directory), or its bytes as they come."""

Wanted = Sequence[tuple[Image, tuple[str, ...]]]
_T = TypeVar("_T")
_STEP: Final = 512 << 10
_LONGEST_HELD: Final = 0.02
"""Seconds: who unpacks may find a fault, and want no more."""


class Images:
    """Get it from ``Supervisor.images``."""

    def __init__(
        self,
        content: ContentStore,
        unpacker: Unpacker,
        catalogue: Catalogue,
        leases: Leases,
        worker: Worker,
        collect: Callable[[], object],
        registries: RegistryClient,
    ) -> None:
        self._content, self._leases, self._worker = content, leases, worker
        self._catalogue, self._unpacker = catalogue, unpacker
        self._importer = Importer(content, self._unpacker, self._catalogue)
        self._collect = collect
        self._registries = registries
        self.in_use: Callable[[], set[str]] = set
        """Tells the ids of the images that containers are made from; set by the supervisor."""
        self.kept: LeaseManager
        """Keeps what an unfinished pull has brought in; set by the supervisor."""
        self._leaving: set[str] = set()

    # -- looking up --------------------------------------------------------------------------------------------------------

    def list(self) -> list[Image]:
        """All images, the built-in ``host`` first."""
        return self._catalogue.all()

    def get(self, reference: str) -> Image:
        """By name (docker's normalisation), by name and digest, by id, or by a unique prefix of the id (four digits or more).

        Raises ImageNotFound, also for one that is being removed; AmbiguousReference.
        """
        image = self._catalogue.get(reference)
        if image.id in self._leaving:
            raise ImageNotFound(reference)
        return image

    # -- bringing in ---------------------------------------------------------------------------------------------------------

    async def import_archive(self, source: Source, *, platform: str | None = None) -> builtins.list[Image]:
        """Load the images of an OCI layout (directory or tar) or a ``docker save`` archive; plain, gzip or zstd.

        Of an index, the image that suits ``platform`` best (``linux/arm64/v8``; by default this machine's).
        The images that are returned bear the names that the archive gives them, whatever else they are called here.

        All or nothing: ImageError, LayerError, DigestMismatch or InvalidReference say what is wrong, OSError that the disk is full, and
        nothing of the archive is kept then. An import that was begun from a file goes on although its caller is cancelled.
        """
        wanted = parse_platform(platform, here()) if platform else here()
        if isinstance(source, Path):
            return await self._import(lambda lease: self._importer.archive(source, wanted, lease))
        with self._content.spool() as spool:
            await self._fill(spool, source)
            return await self._import(lambda lease: self._importer.archive(spool, wanted, lease))

    async def import_rootfs(
        self, source: Source, reference: str | None = None, *, changes: Sequence[str] = (), message: str = ""
    ) -> Image:
        """Make an image of one layer from the tar of a root file system (plain, gzip or zstd).

        ``changes`` are Dockerfile instructions. Raises InvalidReference, ImageError, LayerError, OSError; nothing is kept then.
        """
        name = image_name(reference) if reference else None
        config = apply_changes({}, changes)
        with Growing(self._content.begin(what="root file system")) as arriving, ThreadPoolExecutor(1) as unpacking:
            # In a thread of its own: it waits for what threads of the pool write, which must not all wait for each other.
            image = asyncio.get_running_loop().run_in_executor(
                unpacking,
                self._imported,
                lambda lease: self._importer.rootfs(arriving, name, config, message, lease),
            )
            try:
                if isinstance(source, Path):
                    await self._worker.run(_feed_file, arriving, source)
                else:
                    await self._feed(arriving, source)
                arriving.end(whole=True)
                return await asyncio.shield(image)
            finally:
                arriving.end(whole=False)
                await asyncio.gather(image, return_exceptions=True)

    async def add_layer(
        self,
        base: Image,
        source: IO[bytes],
        config: Mapping[str, object],
        reference: str | None = None,
        *,
        step: Mapping[str, object],
    ) -> Image:
        """Make an image of the layers of ``base`` and one more, the plain tar ``source``, which is read in a thread.

        ``config`` is its whole configuration, and ``step`` what its history says of the layer (image-spec, config.md). Raises InvalidReference;
        ImageError for ``host``, which has no layers; OSError, and what reading raises; nothing is kept then.
        """
        name = image_name(reference) if reference else None
        if base.id == self._catalogue.host.id:
            raise ImageError("host: the built-in image is a view of this machine; nothing can be put on top of it")
        return await self._import(lambda lease: self._importer.layered(base, source, config, name, step, lease))

    async def assemble(
        self, layers: Sequence[Layer], document: Mapping[str, object], reference: str | None = None
    ) -> Image:
        """Make an image of layers whose blobs are in the store, lowest first, such as others have or as ``Supervisor.content`` was given.

        ``document`` is its whole configuration (image-spec, config.md) but for ``rootfs``; the same layers and document are the same image. For who builds
        images: hold the layers by a lease until this returns. Raises ContentNotFound; DigestMismatch for a blob that is not the layer that it is said
        to be; InvalidReference, ImageError; nothing is kept then.
        """
        name = image_name(reference) if reference else None
        return await self._import(lambda lease: self._importer.assembled(layers, document, name, lease))

    async def pull(
        self,
        reference: str,
        *,
        auth: Credentials | None = None,
        platform: str | None = None,
        progress: Report = silent,
    ) -> Image:
        """Bring an image in from its registry, or from a mirror of that, under this name.

        ``auth`` is for that registry and no other; by default what ``docker login`` has left. Of several platforms, the one that suits
        ``platform`` best (``linux/arm64/v8``; by default this machine's). ``progress`` is told each step, on the event loop.

        All or nothing: ManifestNotFound, AccessDenied, RegistryRefused, DigestMismatch, ImageError and LayerError say what is wrong, and nothing is
        kept then. After RegistryUnavailable, or when the caller was cancelled or the process killed, what has arrived is kept for a day, and gone on
        with where it had come to.
        """
        from pycontainerd.images.pull import Puller

        wanted, found = parse_platform(platform, here()) if platform else here(), remote(reference)
        sources = self._registries.sources(found.domain, found.repository, auth)
        parallel = self._registries.config.downloads
        puller = Puller(self._content, self._catalogue, self._unpacker, self._importer, self._worker, parallel)
        await self._worker.run(self._content.partials.clean)
        try:
            with self._leases.lease() as lease:
                return await puller.pull(sources, found, wanted, progress, lease, self.kept)
        finally:
            await asyncio.shield(self._worker.run(self._collect))

    async def push(self, reference: str, *, auth: Credentials | None = None, progress: Report = silent) -> str:
        """Bring an image into the registry that its name leads to. Returns the digest of its manifest there.

        Layers that are there already stay, and others are taken from other repositories of the registry where it can. The image is known by its digest
        afterwards. Raises ImageNotFound; InvalidReference for a digest; ImageError for ``host``; AccessDenied, RegistryRefused, RegistryUnavailable.
        """
        from pycontainerd.images.push import Pusher

        found, image = remote(reference), self._catalogue.named(reference)
        if found.digest is not None:
            raise InvalidReference(reference, "a digest cannot be pushed: give it a tag")
        if image is None:
            raise ImageNotFound(reference)
        if image.id == self._catalogue.host.id:
            raise ImageError("host: the built-in image is a view of this machine and cannot be pushed")
        target = self._registries.target(found.domain, found.repository, auth)
        with self._leases.lease() as lease:
            await self._worker.run(lease.hold, *(layer.digest for layer in image.blobs))
            pusher = Pusher(self._content, self._worker, self._registries.config.uploads)
            manifest = await pusher.push(target, image, found, progress)
        name = f"{found.name}@{manifest.digest}"
        event = self._event(image, "push", actor=found.familiar, name=found.name)
        if image.id in self._catalogue.stored:
            await self._change(lambda connection: table.name(connection, event.namespace, name, image.id), event)
        return manifest.digest

    async def _import(self, work: Callable[[Lease], _T]) -> _T:
        return await self._worker.run(self._imported, work)

    def _imported(self, work: Callable[[Lease], _T]) -> _T:
        try:
            with self._leases.lease() as lease:
                return work(lease)
        finally:
            self._collect()

    async def _feed(self, arriving: Growing, source: AsyncIterable[bytes]) -> None:
        """Write what comes, until nobody wants it any more."""
        await self._written(source, arriving.write, lambda: arriving.ended)

    async def _fill(self, spool: IO[bytes], source: AsyncIterable[bytes]) -> None:
        """Spool a stream of any size: memory stays at two pieces."""
        await self._written(source, spool.write, lambda: False)
        spool.seek(0)

    async def _written(
        self, source: AsyncIterable[bytes], write: Callable[[bytes], object], unwanted: Callable[[], bool]
    ) -> None:
        """While a piece is written, the next one arrives."""
        writing: asyncio.Future[object] | None = None
        try:
            async with contextlib.aclosing(_gathered(source)) as pieces:
                async for piece in pieces:
                    if writing is not None:
                        await asyncio.shield(writing)
                    if unwanted():
                        return
                    writing = asyncio.ensure_future(self._worker.run(write, piece))
            if writing is not None:
                await asyncio.shield(writing)
        finally:
            if writing is not None:  # nobody may close the file under a thread that writes
                await ended(writing)
                writing.exception()

    def spool(self) -> IO[bytes]:
        """A nameless temporary file in the store's file system."""
        return self._content.spool()

    # -- for containers ------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def snapshot_for(self, image: Image) -> AsyncIterator[str | None]:
        """The committed snapshot that containers of the image begin with; None for an image without layers.

        Layers that are not unpacked yet are. It is not removed before the context is left, whatever becomes of the image.
        """
        if image.id == self._catalogue.host.id:
            yield HOST
            return
        with self._leases.lease() as lease:
            yield await self._worker.run(self._unpacker.unpack, image, lease)

    # -- names and removal -----------------------------------------------------------------------------------------------------

    async def tag(self, source: str, target: str) -> None:
        """Give the image ``source`` the name ``target``. ImageNotFound, InvalidReference; ImageInUse: ``host`` stays as it is."""
        image, name = self.get(source), familiar(target)
        if "@" in name:
            raise InvalidReference(target, "a digest cannot be given as a tag")
        if HOST_REFERENCE in (name, *image.references):
            raise ImageInUse("host: the built-in image cannot be renamed, and its name cannot be given to another")
        event = self._event(image, "tag", name=name)

        def change(connection: sqlite3.Connection) -> None:
            table.name(connection, event.namespace, name, image.id)
            table.tagged(connection, event.namespace, image.id, time.time_ns())

        await self._change(change, event)

    async def remove(self, reference: str, *, force: bool = False) -> builtins.list[Removed]:
        """docker's rules: a name is taken away; with the last one, or by id, the image goes too.

        Raises ImageNotFound; ImageInUse while a container is made from it, or for an id with several names without ``force``.
        """
        image = self.get(reference)
        if image.id == self._catalogue.host.id:
            raise ImageInUse("conflict: unable to remove host: the built-in image cannot be removed")
        name = familiar(reference) if self._catalogue.named(reference) is image else None
        leaving = _leaving(image, name)
        if name is None and len({name_of(item) for item in image.names}) > 1 and not force:
            raise _conflict(image, "image is referenced in multiple repositories", forcible=True)
        last = set(leaving) == set(image.names)
        used = image.id in self.in_use()
        if last and used and not force:
            raise _conflict(image, "image is being used by a container", forcible=True)
        if not last or used:
            return await self._remove(image, leaving, last=False)
        self._leaving.add(image.id)  # in the same step as the look at who uses it: nobody begins to use it now
        try:
            return await self._remove(image, leaving, last=True)
        finally:
            self._leaving.discard(image.id)

    async def _remove(self, image: Image, leaving: Sequence[str], *, last: bool) -> builtins.list[Removed]:
        def change(connection: sqlite3.Connection) -> None:
            for name in leaving:
                table.unname(connection, self._catalogue.namespace, name)
            if last:
                table.delete(connection, self._catalogue.namespace, image.id)

        events = [self._event(image, "untag") for _ in leaving] + ([self._event(image, "delete")] if last else [])
        await self._change(change, *events)
        removed = [Removed(untagged=name) for name in leaving]
        if last:
            await self._worker.run(self._collect)
            removed.append(Removed(deleted=image.id))
        return removed

    async def _change(self, change: Callable[[sqlite3.Connection], None], *events: Event) -> None:
        await self._worker.run(self._catalogue.change, change, events)

    def _event(self, image: Image, action: str, *, actor: str | None = None, name: str | None = None) -> Event:
        return image_event(self._catalogue.namespace, image, action, actor=actor, name=name)

    # -- taking out ------------------------------------------------------------------------------------------------------------

    async def export(self, references: Sequence[str], *, form: Form = "docker") -> AsyncIterator[bytes]:
        """The bytes of an archive: ``docker``, as ``docker save`` writes it, which is an OCI layout too; ``oci``, an OCI layout alone;
        ``legacy``, as docker wrote it before version 25. ImageNotFound; ImageError for ``host``.
        """
        wanted = self._wanted(references)
        with self._content.spool() as spool:
            await self._worker.run(self._export, spool, wanted, form)
            spool.seek(0)
            while piece := await self._worker.run(spool.read, PIECE):
                yield piece

    def _export(self, spool: IO[bytes], wanted: Wanted, form: Form) -> None:
        with self._leases.lease() as lease:
            lease.hold(*(blob.digest for image, _ in wanted for blob in image.blobs))
            export.write(spool, wanted, self._content, form)

    def _wanted(self, references: Sequence[str]) -> builtins.list[tuple[Image, tuple[str, ...]]]:
        """Each image once, with the names that were asked for."""
        wanted: dict[str, tuple[Image, tuple[str, ...]]] = {}
        for reference in references:
            image = self.get(reference)
            if image.id == self._catalogue.host.id:
                raise ImageError("host: the built-in image is a view of this machine and cannot be exported")
            names = (familiar(reference),) if self._catalogue.named(reference) is image and "@" not in reference else ()
            wanted[image.id] = (image, (*wanted.get(image.id, (image, ()))[1], *names))
        return list(wanted.values())


async def _gathered(source: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Pieces of some size, where they come quickly: a step into a thread costs as much as hashing a hundred kilobytes."""
    held: list[bytes] = []
    size, since = 0, time.monotonic()
    async for piece in source:
        held.append(piece)
        size += len(piece)
        if size >= _STEP or time.monotonic() - since > _LONGEST_HELD:
            yield b"".join(held)
            held, size, since = [], 0, time.monotonic()
    if held:
        yield b"".join(held)


def _leaving(image: Image, name: str | None) -> tuple[str, ...]:
    """The names that go with ``name`` (None: all). With the last tag of a repository, its digests go too."""
    if name is None:
        return image.names
    if "@" in name or any(other != name and name_of(other) == name_of(name) for other in image.references):
        return (name,)
    return (name, *(digest for digest in image.digests if name_of(digest) == name_of(name)))


def _conflict(image: Image, why: str, *, forcible: bool) -> ImageInUse:
    advice = " (must be forced)" if forcible else " (cannot be forced)"
    return ImageInUse(f"conflict: unable to delete {image.id[7:19]}{advice} - {why}")


def _feed_file(arriving: Growing, path: Path) -> None:
    with path.open("rb") as file:
        while not arriving.ended and (piece := file.read(PIECE)):
            arriving.write(piece)
