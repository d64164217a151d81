"""The manifest of an image: the one that it came with, or one that is made for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from pycontainerd.content.store import ContentStore
from pycontainerd.images import mediatypes
from pycontainerd.images.documents import Descriptor, Manifest, read_document
from pycontainerd.images.image import Image


def own_manifest(image: Image) -> Manifest | None:
    """The manifest that the image was brought in with, if it was with one."""
    if not image.manifest:
        return None
    document = read_document(image.manifest.encode(), None, f"image {image.id}: manifest")
    return document if isinstance(document, Manifest) else None


def manifest_of(image: Image, content: ContentStore) -> Manifest:
    """Its own, or one of the OCI's that names its blobs as they are stored."""
    return own_manifest(image) or made_manifest(
        image, [stored_layer(blob.digest, blob.size, content) for blob in image.blobs]
    )


def oci_manifest(image: Image, content: ContentStore) -> Manifest:
    """The same, with the OCI's media types throughout (an OCI layout has no others) and true ones. Annotations and urls stay.

    docker and we look at a layer's first bytes and not at its media type; others, such as umoci, believe what it says.
    """
    own = manifest_of(image, content)
    layers = [_with_true_type(layer, content) for layer in own.layers]
    if own.media_type == mediatypes.MANIFEST and (own.config.media_type, layers) == (mediatypes.CONFIG, [*own.layers]):
        return own
    return made_manifest(image, layers, own.annotations)


def _with_true_type(layer: Descriptor, content: ContentStore) -> Descriptor:
    true = stored_layer(layer.digest, layer.size, content).media_type
    base = mediatypes.FOREIGN_LAYER if mediatypes.is_foreign(layer.media_type) else mediatypes.LAYER
    return evolve(layer, media_type=true.replace(mediatypes.LAYER, base))


def stored_layer(digest: str, size: int, content: ContentStore) -> Descriptor:
    """A layer as it is stored; its first bytes tell its compression."""
    with content.open(digest) as blob:
        return Descriptor(media_type=mediatypes.layer_type(blob.read(4)), digest=digest, size=size)


def made_manifest(image: Image, layers: Sequence[Descriptor], annotations: Mapping[str, str] | None = None) -> Manifest:
    """A manifest of the OCI's for these layers. Equal images get equal bytes."""
    config = image.document.encode()
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": mediatypes.MANIFEST,
        "config": {"mediaType": mediatypes.CONFIG, "digest": image.id, "size": len(config)},
        "layers": [described(layer) for layer in layers],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    made = read_document(json.dumps(document).encode(), mediatypes.MANIFEST, "manifest")
    assert isinstance(made, Manifest)
    return made


def described(layer: Descriptor) -> dict[str, Any]:
    """A descriptor as JSON, with the OCI's media type."""
    found: dict[str, Any] = {
        "mediaType": mediatypes.as_oci(layer.media_type),
        "digest": layer.digest,
        "size": layer.size,
    }
    if layer.urls:
        found["urls"] = list(layer.urls)
    if layer.annotations:
        found["annotations"] = dict(layer.annotations)
    return found
