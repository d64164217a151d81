"""Media types of images: the OCI's (image-spec, media-types.md) and those of docker's distribution, which mean the same."""

from __future__ import annotations

from typing import Final

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
FOREIGN_LAYER: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EMPTY: Final = "application/vnd.oci.empty.v1+json"

DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN_LAYER: Final = "application/vnd.docker.image.rootfs.foreign.diff.tar"

INDEXES: Final = (INDEX, DOCKER_INDEX)
MANIFESTS: Final = (MANIFEST, DOCKER_MANIFEST)
CONFIGS: Final = (CONFIG, DOCKER_CONFIG)
ACCEPTED: Final = (*MANIFESTS, *INDEXES)
"""What a registry is asked for."""
SCHEMA_1: Final = (
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
)
"""Manifests of 2015 and before, which nobody makes any more."""

_COMPRESSIONS: Final = {"": "", "+gzip": "+gzip", ".gzip": "+gzip", "+zstd": "+zstd", ".zstd": "+zstd"}
_LAYERS: Final = dict.fromkeys((LAYER, DOCKER_LAYER), LAYER) | dict.fromkeys(
    (FOREIGN_LAYER, DOCKER_FOREIGN_LAYER), FOREIGN_LAYER
)
_OCI_LAYERS: Final = {
    base + suffix: oci + plus for base, oci in _LAYERS.items() for suffix, plus in _COMPRESSIONS.items()
}


def is_layer(media_type: str) -> bool:
    """Whether it is a layer of a root file system, in whatever compression."""
    return media_type in _OCI_LAYERS


def is_foreign(media_type: str) -> bool:
    """Whether it is a layer that may not be handed on: it is fetched from its ``urls`` and is never pushed."""
    return media_type.startswith((FOREIGN_LAYER, DOCKER_FOREIGN_LAYER))


def as_oci(media_type: str) -> str:
    """The OCI's name for the same; what has none stays as it is."""
    others = {DOCKER_INDEX: INDEX, DOCKER_MANIFEST: MANIFEST, DOCKER_CONFIG: CONFIG}
    return _OCI_LAYERS.get(media_type) or others.get(media_type, media_type)


def layer_type(start: bytes) -> str:
    """The media type of a layer that begins with these bytes (four are enough)."""
    if start[:2] == b"\x1f\x8b":
        return f"{LAYER}+gzip"
    return f"{LAYER}+zstd" if start[:4] == b"\x28\xb5\x2f\xfd" else LAYER
