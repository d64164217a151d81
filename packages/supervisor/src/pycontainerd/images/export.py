"""Archives of images, in the forms that others read.

``docker``: a docker-archive and an OCI layout at once, as docker itself writes since version 25. ``oci``: an OCI layout alone. ``legacy``: what
``docker save`` wrote before, with each layer as the plain tar ``HEX/layer.tar``. Blobs are written as they are stored, each once.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Literal

from pycontainerd.content.blob import PIECE
from pycontainerd.content.digest import hexadecimal
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.compression import decompressed
from pycontainerd.images import mediatypes
from pycontainerd.images.image import Image, chain_ids
from pycontainerd.images.manifests import oci_manifest

Form = Literal["docker", "oci", "legacy"]
Images = Iterable[tuple[Image, tuple[str, ...]]]
"""Each with the names that it is to have."""


def write(target: IO[bytes], images: Images, content: ContentStore, form: Form = "docker") -> None:
    """Write the images as a tar."""
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _FORMS[form](_Archive(archive), list(images), content)


class _Archive:
    """A tar in which every name is written once."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._written: set[str] = set()

    def missing(self, name: str) -> bool:
        """Whether it is still to be written; asked once."""
        fresh = name not in self._written
        self._written.add(name)
        return fresh

    def data(self, name: str, data: bytes) -> None:
        if self.missing(name):
            self._archive.addfile(_member(name, len(data)), io.BytesIO(data))

    def document(self, name: str, value: Any) -> None:
        self.data(name, json.dumps(value).encode())

    def file(self, name: str, size: int, file: IO[bytes]) -> None:
        self._archive.addfile(_member(name, size), file)


def _docker(archive: _Archive, images: Images, content: ContentStore) -> None:
    _oci(archive, images, content)
    entries = [
        _entry(_path(image.id), names, [_path(layer.digest) for layer in image.blobs]) for image, names in images
    ]
    archive.document("manifest.json", entries)


def _oci(archive: _Archive, images: Images, content: ContentStore) -> None:
    descriptors: list[dict[str, Any]] = []
    for image, names in images:
        for layer in image.blobs:
            if archive.missing(_path(layer.digest)):
                with content.open(layer.digest) as blob:
                    archive.file(_path(layer.digest), layer.size, blob)
        archive.data(_path(image.id), image.document.encode())
        manifest = oci_manifest(image, content)
        archive.data(_path(manifest.digest), manifest.document)
        base = {
            "mediaType": mediatypes.MANIFEST,
            "digest": manifest.digest,
            "size": len(manifest.document),
            "platform": _platform(image),
        }
        descriptors += [{**base, "annotations": _annotations(name)} for name in names] or [base]
    index = {"schemaVersion": 2, "mediaType": mediatypes.INDEX, "manifests": descriptors}
    archive.document("index.json", index)
    archive.document("oci-layout", {"imageLayoutVersion": "1.0.0"})


def _legacy(archive: _Archive, images: Images, content: ContentStore) -> None:
    entries = []
    repositories: dict[str, dict[str, str]] = {}
    for image, names in images:
        layers = [f"{hexadecimal(chain)}/layer.tar" for chain in chain_ids(image.layers)]
        for name, layer in zip(layers, image.blobs, strict=True):
            if archive.missing(name):
                _plain(archive, name, layer.digest, content)
        config = f"{hexadecimal(image.id)}.json"
        archive.data(config, image.document.encode())
        entries.append(_entry(config, names, layers))
        for name in names if layers else ():
            repository, _, tag = name.rpartition(":")
            repositories.setdefault(repository, {})[tag] = layers[-1].partition("/")[0]
    archive.document("manifest.json", entries)
    archive.document("repositories", repositories)


def _plain(archive: _Archive, name: str, digest: str, content: ContentStore) -> None:
    """The size has to be known before the first byte is written."""
    with content.open(digest) as blob, content.spool() as plain:
        shutil.copyfileobj(decompressed(blob), plain, PIECE)
        size = plain.tell()
        plain.seek(0)
        archive.file(name, size, plain)


_FORMS: Mapping[Form, Callable[[_Archive, Images, ContentStore], None]] = {
    "docker": _docker,
    "oci": _oci,
    "legacy": _legacy,
}


def _entry(config: str, names: tuple[str, ...], layers: list[str]) -> dict[str, Any]:
    return {"Config": config, "RepoTags": list(names) or None, "Layers": layers}


def _platform(image: Image) -> dict[str, str]:
    found = {"architecture": image.architecture, "os": image.os or "linux"}
    return {**found, "variant": image.variant} if image.variant else found


def _annotations(name: str) -> dict[str, str]:
    return {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _path(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"
