"""Bringing images in: verified, unpacked, and only then in the catalogue, all of an archive's or none."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from attrs import define, evolve, field

from pycontainerd.content.blob import Blob
from pycontainerd.content.growing import Growing
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.compression import DAMAGED
from pycontainerd.errors import DigestMismatch, ImageError
from pycontainerd.events.event import Event
from pycontainerd.images import table
from pycontainerd.images.archive import ArchivedImage, ArchivedLayer, Members, members_of, read
from pycontainerd.images.catalogue import Catalogue
from pycontainerd.images.happenings import image_event
from pycontainerd.images.host import REFERENCE as HOST_REFERENCE
from pycontainerd.images.host import architecture
from pycontainerd.images.image import Image, Layer, chain_ids, expected_diff_ids, image_of, parsed
from pycontainerd.images.platforms import Platform
from pycontainerd.images.reference import familiar
from pycontainerd.images.unpack import Unpacker
from pycontainerd.leases import Lease

_INHERITED = ("architecture", "variant", "os", "os.version", "os.features")

Found = Sequence[tuple[Image, tuple[str, ...]]]


def image_name(reference: str) -> str:
    """The familiar form of a name that an image may be given. InvalidReference; ImageError for the built-in image's name."""
    name = familiar(reference)
    if name == HOST_REFERENCE:
        raise ImageError(f"{reference}: the name of the built-in image cannot be given to another")
    return name


class Importer:
    """All methods block; what they bring in is held by ``lease`` until the catalogue has it."""

    def __init__(self, content: ContentStore, unpacker: Unpacker, catalogue: Catalogue) -> None:
        self._content, self._unpacker, self._catalogue = content, unpacker, catalogue

    def archive(self, source: Path | IO[bytes], platform: Platform, lease: Lease) -> list[Image]:
        """The images of an OCI layout or a ``docker save`` archive. ImageError, LayerError, DigestMismatch, InvalidReference."""
        with members_of(source, self._content.spool) as members:
            layers = _Layers(self._content, members, lease)
            found = [(self._take(layers, item), item.names) for item in read(members, platform)]
        if not found:
            raise ImageError("archive: holds no image")
        named = [(image, tuple(dict.fromkeys(map(image_name, names)))) for image, names in found]
        seen: set[tuple[Layer, ...]] = set()
        for image, _ in named:
            if image.blobs not in seen:  # a thousand images of the same layers are verified once
                seen.add(image.blobs)
                self.verify_known(image, lease)
                self._unpacker.unpack(image, lease)
        return self.keep(named, [self._event(image, "load") for image, _ in named])

    def verify_known(self, image: Image, lease: Lease) -> None:
        """Unpacking a layer verifies it. One that another image has already is not unpacked again, but this may be another blob."""
        lease.hold(*chain_ids(image.layers))
        for chain, blob in zip(chain_ids(image.layers), image.blobs, strict=True):
            if self._unpacker.is_unpacked(chain):
                self.verify(blob)

    def verify(self, blob: Layer) -> None:
        """See that a blob is the layer that it is said to be, unless an image that we have relies on it already. DigestMismatch, LayerError."""
        stored = self._catalogue.stored.values()
        if not any(
            layer.digest == blob.digest and layer.diff_id == blob.diff_id for each in stored for layer in each.blobs
        ):
            self._unpacker.verify(blob)

    def _take(self, layers: _Layers, item: ArchivedImage) -> Image:
        promised = expected_diff_ids(item.config)
        if len(promised) != len(item.layers):
            raise ImageError(f"image configuration: {len(promised)} diff_ids for {len(item.layers)} layers")
        blobs = tuple(layers.take(layer, diff) for layer, diff in zip(item.layers, promised, strict=True))
        image = image_of(item.config, blobs, sum(blob.size for blob in blobs), manifest=item.manifest)
        if item.config_digest not in (None, image.id):
            raise DigestMismatch("image configuration", item.config_digest, image.id)
        return image

    def rootfs(
        self, arriving: Growing, name: str | None, config: Mapping[str, object], message: str, lease: Lease
    ) -> Image:
        """An image of one layer, a tar that may still be arriving; it is synced to the disk while it is unpacked. LayerError, Interrupted."""

        def commit() -> Blob:
            arriving.wait()
            return arriving.ingest.commit(lease)

        with ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-ingest") as side:
            committing = side.submit(commit)
            try:
                diff_id = self._unpacker.unpack_root(arriving.as_file(), lease)
            except BaseException:
                arriving.end(whole=False)
                raise
            blob = committing.result()
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        document = {
            "architecture": architecture(),
            "os": "linux",
            "created": created,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [{"created": created, "comment": message}],
        }
        layers = (Layer(digest=blob.digest, size=blob.size, diff_id=diff_id),)
        image = image_of(json.dumps(document), layers, blob.size)
        return self.keep([(image, (name,) if name else ())], [self._event(image, "import")])[0]

    def layered(
        self,
        base: Image,
        source: IO[bytes],
        config: Mapping[str, object],
        name: str | None,
        step: Mapping[str, object],
        lease: Lease,
    ) -> Image:
        """An image of the layers of ``base`` and one more, the plain tar ``source``. ``step`` is what history says of it, its time apart."""
        lease.hold(*chain_ids(base.layers), *(layer.digest for layer in base.blobs))
        blob = self._content.ingest(source, lease, what="layer")
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        before = parsed(base.document)
        document = {
            **{key: value for key, value in before.items() if key in _INHERITED},
            "created": created,
            "author": step.get("author") or before.get("author") or "",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [*base.layers, blob.digest]},
            "history": [*(before.get("history") or []), {"created": created, **step}],
        }
        layers = (*base.blobs, Layer(digest=blob.digest, size=blob.size, diff_id=blob.digest))
        image = image_of(json.dumps(document), layers, sum(layer.size for layer in layers))
        events = [self._event(image, "tag", name=name)] if name else []
        return self.keep([(image, (name,) if name else ())], events)[0]

    def _event(self, image: Image, action: str, *, name: str | None = None) -> Event:
        return image_event(self._catalogue.namespace, image, action, name=name)

    def keep(self, found: Found, events: Sequence[Event]) -> list[Image]:
        """Into the catalogue, with what is told of it; what is returned bears the names that were brought along, not those that the image had already."""

        def change(connection: sqlite3.Connection) -> None:
            for image, names in found:
                table.insert(connection, self._catalogue.namespace, image, time.time_ns())
                for name in names:
                    table.name(connection, self._catalogue.namespace, name, image.id)

        self._catalogue.change(change, events)
        return [self._as_named(image, names) for image, names in found]

    def _as_named(self, image: Image, names: tuple[str, ...]) -> Image:
        kept = self._catalogue.stored.get(image.id, image)
        return evolve(
            kept,
            references=tuple(name for name in names if "@" not in name),
            digests=tuple(name for name in names if "@" in name),
        )


@define
class _Layers:
    """The layers of an archive as blobs, each taken in once however many images have it."""

    _content: ContentStore
    _members: Members
    _lease: Lease
    _taken: dict[ArchivedLayer, Blob] = field(factory=dict, init=False)

    def take(self, layer: ArchivedLayer, diff_id: str) -> Layer:
        """ImageError, DigestMismatch."""
        blob = self._taken.get(layer)
        if blob is None:
            blob = self._taken[layer] = self._ingest(layer)
        return Layer(digest=blob.digest, size=blob.size, diff_id=diff_id)

    def _ingest(self, layer: ArchivedLayer) -> Blob:
        what = f"layer {layer.member}"
        with self._members.open(layer.member) as file:
            try:
                return self._content.ingest(file, self._lease, digest=layer.digest, size=layer.size, what=what)
            except DAMAGED as error:
                raise ImageError(f"{what}: truncated or damaged: {error}") from error
