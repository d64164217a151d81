"""Bringing images in: verified, unpacked, and only then in the catalogue, all of an archive's or none."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from attrs import define, evolve, field

from pycontainerd.content.blob import Blob
from pycontainerd.content.growing import Growing
from pycontainerd.content.ingest import Ingest
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.compression import DAMAGED
from pycontainerd.errors import ContentNotFound, DigestMismatch, ImageError
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
from pycontainerd.images.stack import Stack, running
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
            layers = _Layers(self._content, self._unpacker, self.verify, members, lease)
            found = [(self._take(layers, item), item.names) for item in read(members, platform)]
        if not found:
            raise ImageError("archive: holds no image")
        named = [(image, tuple(dict.fromkeys(map(image_name, names)))) for image, names in found]
        return self.keep(named, [self._event(image, "load") for image, _ in named])

    def verify(self, blob: Layer) -> None:
        """See that a blob is the layer that it is said to be, unless an image that we have relies on it already. DigestMismatch, LayerError.

        Unpacking a layer verifies it. One that another image has already is not unpacked again, but this may be another blob.
        """
        stored = self._catalogue.stored.values()
        if not any(
            layer.digest == blob.digest and layer.diff_id == blob.diff_id for each in stored for layer in each.blobs
        ):
            self._unpacker.verify(blob)

    def _take(self, layers: _Layers, item: ArchivedImage) -> Image:
        promised = expected_diff_ids(item.config)
        if len(promised) != len(item.layers):
            raise ImageError(f"image configuration: {len(promised)} diff_ids for {len(item.layers)} layers")
        blobs = layers.take(item.layers, promised)
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
                diff_id = self._unpacker.unpack_root(arriving.as_file(), arriving.digest, lease)
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
        return self.keep([(image, (name,) if name else ())], [self._event(image, "import")], tagged=True)[0]

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
        return self.keep([(image, (name,) if name else ())], events, tagged=True)[0]

    def assembled(
        self, layers: Sequence[Layer], document: Mapping[str, object], name: str | None, lease: Lease
    ) -> Image:
        """An image of layers that are in the store. ContentNotFound for one that is not, or that this namespace may not read."""
        lease.hold(*chain_ids(tuple(layer.diff_id for layer in layers)), *(layer.digest for layer in layers))
        for layer in layers:
            if not self._content.has(layer.digest):
                raise ContentNotFound(layer.digest)
            if layer.digest != layer.diff_id:  # a plain tar's digest is what was verified when it came
                self.verify(layer)
        whole = {**document, "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}}
        image = image_of(json.dumps(whole), tuple(layers), sum(layer.size for layer in layers))
        events = [self._event(image, "tag", name=name)] if name else []
        return self.keep([(image, (name,) if name else ())], events, tagged=True)[0]

    def _event(self, image: Image, action: str, *, name: str | None = None) -> Event:
        return image_event(self._catalogue.namespace, image, action, name=name)

    def keep(self, found: Found, events: Sequence[Event], *, tagged: bool = False) -> list[Image]:
        """Into the catalogue, with what is told of it; what is returned bears the names that were brought along, not those that the image had already.

        ``tagged``: the names were given here.
        """

        def change(connection: sqlite3.Connection) -> None:
            for image, names in found:
                table.insert(connection, self._catalogue.namespace, image, time.time_ns())
                for name in names:
                    table.name(connection, self._catalogue.namespace, name, image.id)
                if names and tagged:
                    table.tagged(connection, self._catalogue.namespace, image.id, time.time_ns())

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
    """The layers of an archive, each taken in once however many images have it, and unpacked while the next one is taken in."""

    _content: ContentStore
    _unpacker: Unpacker
    _verify: Callable[[Layer], None]
    _members: Members
    _lease: Lease
    _taken: dict[ArchivedLayer, Blob] = field(factory=dict, init=False)
    _done: dict[tuple[tuple[ArchivedLayer, ...], tuple[str, ...]], tuple[Layer, ...]] = field(factory=dict, init=False)

    def take(self, layers: tuple[ArchivedLayer, ...], diff_ids: tuple[str, ...]) -> tuple[Layer, ...]:
        """Those of an image, lowest first; a thousand images of the same are verified once. ImageError, DigestMismatch, LayerError."""
        known = self._done.get((layers, diff_ids))
        if known is None:
            known = self._done[layers, diff_ids] = self._take(layers, diff_ids)
        return known

    def _take(self, layers: tuple[ArchivedLayer, ...], diff_ids: tuple[str, ...]) -> tuple[Layer, ...]:
        stack, blobs = self._unpacker.stack(diff_ids, self._lease, self._verify), list[Layer]()
        with running(stack) as unpacking:
            for number, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True)):
                if unpacking.done():  # with an error, which is told then
                    break
                blobs.append(self._one(stack, number, layer, diff_id))
        return tuple(blobs)

    def _one(self, stack: Stack, number: int, layer: ArchivedLayer, diff_id: str) -> Layer:
        """A plain tar that is promised is unpacked beside being taken in: its digest says both what the blob and what the layer is. Others once they are known."""

        def verified(ingest: Ingest) -> None:
            found = ingest.check()
            stack.arriving(number, Layer(digest=found.digest, size=found.size, diff_id=diff_id), ingest.reader())

        blob = self._taken.get(layer)
        if blob is None:
            is_promised = layer.digest == diff_id and layer.size is not None
            source = self._members.apart(layer.member) if is_promised else None
            if source is not None and layer.size is not None:
                stack.arriving(number, Layer(digest=diff_id, size=layer.size, diff_id=diff_id), source, verified=False)
            blob = self._taken[layer] = self._ingest(layer, verified if source is None else None)
        made = Layer(digest=blob.digest, size=blob.size, diff_id=diff_id)
        stack.arrived(number, made)
        return made

    def _ingest(self, layer: ArchivedLayer, verified: Callable[[Ingest], None] | None) -> Blob:
        what = f"layer {layer.member}"
        with self._members.open(layer.member) as file:
            try:
                return self._content.ingest(
                    file, self._lease, digest=layer.digest, size=layer.size, what=what, verified=verified
                )
            except DAMAGED as error:
                raise ImageError(f"{what}: truncated or damaged: {error}") from error
