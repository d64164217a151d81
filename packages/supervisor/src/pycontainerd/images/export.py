"""``docker save``: an archive that is a docker-archive and an OCI layout at once, as docker itself writes since version 25."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from typing import IO, Any

from pycontainerd.content.digest import hexadecimal
from pycontainerd.content.store import ContentStore
from pycontainerd.images.image import Image

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def write(target: IO[bytes], images: Iterable[tuple[Image, tuple[str, ...]]], content: ContentStore) -> None:
    """Write each image with the names that were asked for. Blobs are written as they are stored, each once."""
    written: set[str] = set()
    entries: list[dict[str, Any]] = []
    descriptors: list[dict[str, Any]] = []
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for image, names in images:
            _layers(archive, image, content, written)
            config = image.document.encode()
            _bytes(archive, _path(image.id), config, written)
            manifest = json.dumps(_manifest(image, config, content)).encode()
            digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
            _bytes(archive, _path(digest), manifest, written)
            entries.append(
                {
                    "Config": _path(image.id),
                    "RepoTags": list(names) or None,
                    "Layers": [_path(b.digest) for b in image.blobs],
                }
            )
            base = {"mediaType": _MANIFEST, "digest": digest, "size": len(manifest)}
            descriptors += [{**base, "annotations": _annotations(name)} for name in names] or [base]
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": descriptors}
        _bytes(archive, "index.json", json.dumps(index).encode(), written)
        _bytes(archive, "manifest.json", json.dumps(entries).encode(), written)
        _bytes(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}', written)


def _annotations(name: str) -> dict[str, str]:
    return {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}


def _manifest(image: Image, config: bytes, content: ContentStore) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": image.id, "size": len(config)},
        "layers": [
            {"mediaType": _LAYER + _compression(content, blob.digest), "digest": blob.digest, "size": blob.size}
            for blob in image.blobs
        ],
    }


def _compression(content: ContentStore, digest: str) -> str:
    with content.open(digest) as blob:
        magic = blob.read(4)
    if magic[:2] == b"\x1f\x8b":
        return "+gzip"
    return "+zstd" if magic == b"\x28\xb5\x2f\xfd" else ""


def _layers(archive: tarfile.TarFile, image: Image, content: ContentStore, written: set[str]) -> None:
    for blob in image.blobs:
        name = _path(blob.digest)
        if name in written:
            continue
        written.add(name)
        with content.open(blob.digest) as file:
            archive.addfile(_member(name, blob.size), file)


def _bytes(archive: tarfile.TarFile, name: str, data: bytes, written: set[str]) -> None:
    if name not in written:
        written.add(name)
        archive.addfile(_member(name, len(data)), io.BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _path(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"
