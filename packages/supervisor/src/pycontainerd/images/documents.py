"""Manifests and indexes (image-spec, manifest.md and image-index.md; docker's are the same under other media types), read with care.

A document is kept as the bytes that it was, because its digest is its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from pycontainerd.content.digest import hexadecimal
from pycontainerd.errors import ImageError, InvalidDigest
from pycontainerd.images import mediatypes
from pycontainerd.images.platforms import Platform, platform_of

MOST_LAYERS: Final = 500
"""OVL_MAX_STACK of the kernel. More could be unpacked, one by one and on end, but never mounted."""


@frozen(kw_only=True)
class Descriptor:
    """Content elsewhere: its type, digest and size in bytes (image-spec, descriptor.md)."""

    media_type: str
    digest: str
    size: int
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(factory=dict)
    platform: Platform | None = None
    artifact_type: str = ""

    @property
    def is_attestation(self) -> bool:
        """buildx puts statements about an image beside it, as if they were images for a platform that does not exist."""
        return self.platform is not None and self.platform.os == "unknown"


@frozen(kw_only=True)
class Manifest:
    """One image: ``document`` is what it was read from."""

    document: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The name of the manifest."""
        return digest_of(self.document)


@frozen(kw_only=True)
class Index:
    """Several images: one for each platform."""

    document: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The name of the index."""
        return digest_of(self.document)


def digest_of(data: bytes) -> str:
    """``sha256:…`` of these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_document(data: bytes, media_type: str | None, where: str) -> Manifest | Index:
    """A manifest or an index. ``media_type`` is what whoever gave it says that it is. ImageError, beginning with ``where``."""
    found = _object(data, where)
    said = found.get("mediaType")
    if said is not None and not isinstance(said, str):
        raise ImageError(f"{where}: mediaType: expected a string, got {said!r}")
    if said and media_type in mediatypes.ACCEPTED and said != media_type:
        raise ImageError(f"{where}: says that it is {said}, but was given as {media_type}")
    kind = said or media_type or ""
    if kind in mediatypes.SCHEMA_1 or found.get("schemaVersion") == 1:
        raise ImageError(
            f"{where}: a manifest of schema 1, which is no longer read: push the image again with a tool of today"
        )
    # one document that could be read as both has been used to show different people different images (CVE-2021-41190)
    if "manifests" in found and ("layers" in found or "config" in found):
        raise ImageError(f"{where}: is a manifest and an index at once")
    if kind in mediatypes.INDEXES or "manifests" in found:
        return _index(data, found, kind, where)
    if kind and kind not in mediatypes.MANIFESTS:
        raise ImageError(f"{where}: media type {kind}: neither an image manifest nor an index")
    return _manifest(data, found, kind or mediatypes.MANIFEST, where)


def _index(data: bytes, found: Mapping[str, Any], kind: str, where: str) -> Index:
    return Index(
        document=data,
        media_type=kind if kind in mediatypes.INDEXES else mediatypes.INDEX,
        manifests=_descriptors(found, "manifests", where),
        annotations=_annotations(found, where),
    )


def _manifest(data: bytes, found: Mapping[str, Any], kind: str, where: str) -> Manifest:
    if not isinstance(found.get("config"), dict):
        raise ImageError(f"{where}: config: missing")
    layers = _descriptors(found, "layers", where)
    if len(layers) > MOST_LAYERS:
        raise ImageError(f"{where}: an image of {len(layers)} layers; overlayfs stacks {MOST_LAYERS}")
    return Manifest(
        document=data,
        media_type=kind,
        config=descriptor(found["config"], f"{where}: config"),
        layers=layers,
        annotations=_annotations(found, where),
    )


def image_only(manifest: Manifest, where: str) -> Manifest:
    """The manifest, if it is one of an image: other artifacts are handed around in the same form. ImageError."""
    kind = manifest.config.media_type
    others = [layer.media_type for layer in manifest.layers if not mediatypes.is_layer(layer.media_type)]
    if kind not in mediatypes.CONFIGS or others:
        raise ImageError(
            f"{where}: is no image but an artifact ({others[0] if others else kind}): nothing can be run from it"
        )
    return manifest


def descriptor(found: Any, where: str) -> Descriptor:
    """One descriptor. ImageError names the field that is wrong."""
    if not isinstance(found, dict):
        raise ImageError(f"{where}: expected an object")
    try:
        hexadecimal(found.get("digest"))
    except InvalidDigest as error:
        raise ImageError(f"{where}: {error}") from error
    size, kind = found.get("size"), found.get("mediaType")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ImageError(f"{where}: size: expected a number, got {size!r}")
    if not isinstance(kind, str):
        raise ImageError(f"{where}: mediaType: expected a string, got {kind!r}")
    urls = found.get("urls") or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ImageError(f"{where}: urls: expected a list of strings")
    return Descriptor(
        media_type=kind,
        digest=found["digest"],
        size=size,
        urls=tuple(urls),
        annotations=_annotations(found, where),
        platform=_platform(found.get("platform"), where),
        artifact_type=str(found.get("artifactType") or ""),
    )


def _platform(found: Any, where: str) -> Platform | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ImageError(f"{where}: platform: expected an object")
    texts = [found.get(name) or "" for name in ("os", "architecture", "variant", "os.version")]
    if not all(isinstance(text, str) for text in texts):
        raise ImageError(f"{where}: platform: expected strings")
    return platform_of(*texts)


def _descriptors(found: Mapping[str, Any], name: str, where: str) -> tuple[Descriptor, ...]:
    value = found.get(name)
    if not isinstance(value, list):
        raise ImageError(f"{where}: {name}: expected a list of objects")
    return tuple(descriptor(item, f"{where}: {name}[{number}]") for number, item in enumerate(value))


def _annotations(found: Mapping[str, Any], where: str) -> Mapping[str, str]:
    value = found.get("annotations") or {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ImageError(f"{where}: annotations: expected strings")
    return value


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ImageError(f"{where}: expected an object")
    return value
