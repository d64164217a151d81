"""The images of a supervisor: what can be named, loaded, tagged, exported and removed.

Looking up is immediate (all images are held in memory, the database is the truth); everything that reads or writes blobs runs in a thread.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pycontainerd.content.store import PIECE, ContentStore
from pycontainerd.diff.apply import apply
from pycontainerd.errors import (
    AmbiguousReference,
    DigestMismatch,
    ImageError,
    ImageInUse,
    ImageNotFound,
    InvalidReference,
    SnapshotExists,
)
from pycontainerd.images import export, table
from pycontainerd.images.archive import ArchivedImage, ArchivedLayer, Members, members_of, read
from pycontainerd.images.changes import apply_changes
from pycontainerd.images.host import REFERENCE as HOST_REFERENCE
from pycontainerd.images.host import architecture, host_image
from pycontainerd.images.image import Image, Layer, Removed, chain_ids, expected_diff_ids, image_of
from pycontainerd.images.reference import familiar, name_of
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.overlayfs import HOST
from pycontainerd.snapshots.snapshotter import Snapshotter

Source = Path | AsyncIterable[bytes]
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})")


class Images:
    """``in_use`` tells the ids of images that containers are made from."""

    def __init__(
        self, content: ContentStore, snapshots: Snapshotter, database: Database, in_use: Callable[[], set[str]] = set
    ) -> None:
        self._content, self._snapshots, self._database = content, snapshots, database
        self.in_use = in_use
        self._unpacking = threading.Lock()
        self._host = host_image()
        self._images: dict[str, Image] = {}
        self._refresh()

    # -- looking up --------------------------------------------------------------------------------------------------------

    def list(self) -> list[Image]:
        """All images, the built-in ``host`` among them."""
        return [self._host, *self._images.values()]

    def get(self, reference: str) -> Image:
        """By name (docker's normalisation), by name and digest, by id, or by a unique prefix of the id.

        Raises ImageNotFound, AmbiguousReference.
        """
        named = self._named(reference)
        if named is not None:
            return named
        match = _HEX.fullmatch(reference)
        found = [image for image in self.list() if match and image.id.removeprefix("sha256:").startswith(match[1])]
        if len(found) > 1:
            raise AmbiguousReference(f"image {reference}: the prefix fits {len(found)} images; give more digits")
        if not found:
            raise ImageNotFound(reference)
        return found[0]

    def _named(self, reference: str) -> Image | None:
        try:
            name = familiar(reference)
        except InvalidReference:
            return None
        return next((image for image in self.list() if name in image.references), None)

    # -- bringing in ---------------------------------------------------------------------------------------------------------

    async def import_archive(self, source: Source) -> list[Image]:
        """Load the images of an OCI layout (directory or tar) or a ``docker save`` archive; plain, gzip or zstd.

        All or nothing: ImageError, LayerError or DigestMismatch say what is wrong, and no image of the archive is kept.
        """
        if isinstance(source, Path):
            return await asyncio.to_thread(self._import_archive, source)
        with self._content.spool() as spool:
            await _fill(spool, source)
            return await asyncio.to_thread(self._import_archive, spool)

    async def import_rootfs(
        self, source: Source, reference: str | None = None, *, changes: Sequence[str] = (), message: str = ""
    ) -> Image:
        """Make an image of one layer from the tar of a root file system. ``changes`` are Dockerfile instructions."""
        name = familiar(reference) if reference else None
        config = apply_changes({}, changes)
        if isinstance(source, Path):
            with source.open("rb") as file:
                return await asyncio.to_thread(self._import_rootfs, file, name, config, message)
        with self._content.spool() as spool:
            await _fill(spool, source)
            return await asyncio.to_thread(self._import_rootfs, spool, name, config, message)

    def _import_archive(self, source: Path | IO[bytes]) -> list[Image]:
        with members_of(source) as members:
            found = [(self._take(members, item), item.names) for item in read(members, architecture())]
        if not found:
            raise ImageError("archive: holds no image")
        for image, _ in found:
            self._unpack(image)
        self._keep([(image, tuple(familiar(name) for name in names)) for image, names in found])
        return [self._images[image.id] for image, _ in found]

    def _take(self, members: Members, item: ArchivedImage) -> Image:
        try:
            promised = expected_diff_ids(item.config)
        except (ValueError, AttributeError) as error:
            raise ImageError(f"image configuration: not JSON: {error}") from error
        if len(promised) != len(item.layers):
            raise ImageError(f"image configuration: {len(promised)} diff_ids for {len(item.layers)} layers")
        blobs = tuple(self._layer(members, layer, diff) for layer, diff in zip(item.layers, promised, strict=True))
        image = image_of(item.config, blobs, sum(blob.size for blob in blobs))
        if item.config_digest not in (None, image.id):
            raise DigestMismatch("image configuration", item.config_digest, image.id)
        return image

    def _layer(self, members: Members, layer: ArchivedLayer, diff_id: str) -> Layer:
        what = f"layer {layer.member}"
        with members.open(layer.member) as file:
            try:
                blob = self._content.ingest(file, digest=layer.digest, size=layer.size, what=what)
            except EOFError as error:
                raise ImageError(f"{what}: truncated") from error
        return Layer(digest=blob.digest, size=blob.size, diff_id=diff_id)

    def _import_rootfs(self, file: IO[bytes], name: str | None, config: dict[str, object], message: str) -> Image:
        blob = self._content.ingest(file, what="root file system")
        key = f"import-{uuid.uuid4().hex}"
        self._snapshots.prepare(key, None)
        try:
            with self._content.open(blob.digest) as layer:
                applied = apply(layer, self._snapshots.writable(key))
            self._commit(applied.diff_id, key)
        except BaseException:
            self._snapshots.remove(key)
            self._drop_blobs({blob.digest})
            raise
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        document = {
            "architecture": architecture(),
            "os": "linux",
            "created": created,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [applied.diff_id]},
            "history": [{"created": created, "comment": message}],
        }
        layers = (Layer(digest=blob.digest, size=blob.size, diff_id=applied.diff_id),)
        image = image_of(json.dumps(document), layers, blob.size)
        self._keep([(image, (name,) if name else ())])
        return self._images[image.id]

    def _keep(self, found: Sequence[tuple[Image, tuple[str, ...]]]) -> None:
        def change(connection: sqlite3.Connection) -> None:
            for image, names in found:
                table.insert(connection, image, time.time_ns())
                for name in names:
                    table.name(connection, name, image.id)

        self._database.write_now(change)
        self._refresh()

    # -- unpacking -----------------------------------------------------------------------------------------------------------

    async def snapshot_for(self, image: Image) -> str | None:
        """The committed snapshot that containers of the image begin with; None for an image without layers.

        Layers that are not unpacked yet are, in order; concurrent callers share the work.
        """
        return await asyncio.to_thread(self._unpack, image)

    def _unpack(self, image: Image) -> str | None:
        if image.id == self._host.id:
            return HOST
        parent: str | None = None
        with self._unpacking:
            for chain, blob in zip(chain_ids(image.layers), image.blobs, strict=True):
                if not self._snapshots.exists(chain):
                    self._unpack_layer(chain, parent, blob)
                parent = chain
        return parent

    def _unpack_layer(self, chain: str, parent: str | None, blob: Layer) -> None:
        key = f"unpack-{uuid.uuid4().hex}"
        self._snapshots.prepare(key, parent)
        try:
            with self._content.open(blob.digest) as layer:
                applied = apply(layer, self._snapshots.writable(key))
            if applied.diff_id != blob.diff_id:
                raise DigestMismatch(f"layer {blob.digest}: diff id", blob.diff_id, applied.diff_id)
            self._snapshots.commit(chain, key)
        except BaseException:
            self._snapshots.remove(key)
            raise

    def _commit(self, chain: str, key: str) -> None:
        try:
            self._snapshots.commit(chain, key)
        except SnapshotExists:
            self._snapshots.remove(key)  # the same root file system was imported before

    # -- names and removal -----------------------------------------------------------------------------------------------------

    async def tag(self, source: str, target: str) -> None:
        """Give the image ``source`` the name ``target``. ImageNotFound, InvalidReference; ``host`` stays as it is."""
        image, name = self.get(source), familiar(target)
        if HOST_REFERENCE in (name, *image.references):
            raise ImageInUse("host: the built-in image cannot be renamed, and its name cannot be given to another")
        await self._database.write(lambda connection: table.name(connection, name, image.id))
        self._refresh()

    async def remove(self, reference: str, *, force: bool = False) -> list[Removed]:
        """docker's rules: a name is taken away; with the last one, or by id, the image goes too.

        Raises ImageNotFound; ImageInUse while a container is made from it, or for an id with several names without ``force``.
        """
        image = self.get(reference)
        if image.id == self._host.id:
            raise ImageInUse("conflict: unable to remove host: the built-in image cannot be removed")
        name = familiar(reference) if self._named(reference) is image else None
        leaving = (name,) if name else image.references
        if name is None and len({name_of(item) for item in image.references}) > 1 and not force:
            raise _conflict(image, "image is referenced in multiple repositories", forcible=True)
        if set(leaving) == set(image.references):
            self._refuse_in_use(image, force)
        return await asyncio.to_thread(self._remove, image, leaving)

    def _refuse_in_use(self, image: Image, force: bool) -> None:
        if image.id in self.in_use() and not force:
            raise _conflict(image, "image is being used by a container", forcible=True)

    def _remove(self, image: Image, leaving: Sequence[str]) -> list[Removed]:
        last = set(leaving) == set(image.references) and image.id not in self.in_use()

        def change(connection: sqlite3.Connection) -> None:
            for name in leaving:
                table.unname(connection, name)
            if last:
                table.delete(connection, image.id)

        self._database.write_now(change)
        self._refresh()
        removed = [Removed(untagged=name) for name in leaving]
        if last:
            self._forget_layers(image)
            removed.append(Removed(deleted=image.id))
        return removed

    def _forget_layers(self, image: Image) -> None:
        """Delete what no other image needs: its snapshots from the top down, and its blobs."""
        needed = {chain for other in self._images.values() for chain in chain_ids(other.layers)}
        with self._unpacking:
            for chain in reversed(chain_ids(image.layers)):
                if chain not in needed and self._snapshots.exists(chain):
                    self._snapshots.remove(chain)
        self._drop_blobs({layer.digest for layer in image.blobs})

    def _drop_blobs(self, digests: set[str]) -> None:
        needed = {layer.digest for image in self._images.values() for layer in image.blobs}
        for digest in digests - needed:
            self._content.delete(digest)

    def _refresh(self) -> None:
        self._images = self._database.read_now(table.load)

    # -- taking out ------------------------------------------------------------------------------------------------------------

    async def export(self, references: Sequence[str]) -> AsyncIterator[bytes]:
        """The bytes of a ``docker save`` archive that is an OCI layout too. ImageNotFound; ImageError for ``host``."""
        wanted: dict[str, tuple[Image, tuple[str, ...]]] = {}
        for reference in references:
            image = self.get(reference)
            if image.id == self._host.id:
                raise ImageError("host: the built-in image is a view of this machine and cannot be exported")
            names = (familiar(reference),) if self._named(reference) is image else ()
            wanted[image.id] = (image, (*wanted.get(image.id, (image, ()))[1], *names))
        with self._content.spool() as spool:
            await asyncio.to_thread(export.write, spool, list(wanted.values()), self._content)
            spool.seek(0)
            while piece := await asyncio.to_thread(spool.read, PIECE):
                yield piece


def _conflict(image: Image, why: str, *, forcible: bool) -> ImageInUse:
    advice = " (must be forced)" if forcible else " (cannot be forced)"
    return ImageInUse(f"conflict: unable to delete {image.id[7:19]}{advice} - {why}")


async def _fill(spool: IO[bytes], source: AsyncIterable[bytes]) -> None:
    """Spool a stream of any size: memory stays at one piece."""
    async for piece in source:
        await asyncio.to_thread(spool.write, piece)
    spool.seek(0)
