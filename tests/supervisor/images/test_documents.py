"""Manifests and indexes: the OCI's and docker's, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pycontainerd.errors import ImageError
from pycontainerd.images import mediatypes
from pycontainerd.images.documents import Index, Manifest, image_only, read_document
from tests.supervisor.archives import sha

LAYER = {"mediaType": f"{mediatypes.LAYER}+gzip", "digest": sha(b"layer"), "size": 5}
CONFIG = {"mediaType": mediatypes.CONFIG, "digest": sha(b"config"), "size": 6}


def manifest(**changes: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": mediatypes.MANIFEST, "config": CONFIG, "layers": [LAYER], **changes}


def read(document: Any, media_type: str | None = None) -> Manifest | Index:
    return read_document(json.dumps(document).encode(), media_type, "here")


def test_a_manifest_keeps_its_bytes_and_annotations() -> None:
    data = json.dumps(manifest(annotations={"a": "b"}), indent=3).encode()
    found = read_document(data, mediatypes.MANIFEST, "here")
    assert isinstance(found, Manifest)
    assert (found.digest, found.annotations, found.layers[0].size) == (sha(data), {"a": "b"}, 5)


def test_what_docker_writes_means_the_same() -> None:
    layers = [{**LAYER, "mediaType": f"{mediatypes.DOCKER_LAYER}.gzip"}]
    config = {**CONFIG, "mediaType": mediatypes.DOCKER_CONFIG}
    found = read(manifest(mediaType=mediatypes.DOCKER_MANIFEST, layers=layers, config=config))
    assert isinstance(found, Manifest)
    assert image_only(found, "here") is found
    assert mediatypes.as_oci(found.layers[0].media_type) == f"{mediatypes.LAYER}+gzip"
    platform = {"os": "linux", "architecture": "arm", "variant": "v6"}
    listed = {"mediaType": mediatypes.DOCKER_INDEX, "manifests": [{**LAYER, "platform": platform}]}
    index = read(listed)
    assert isinstance(index, Index)
    assert str(index.manifests[0].platform) == "linux/arm/v6"


def test_a_document_without_a_media_type_is_what_it_looks_like() -> None:
    assert isinstance(read({"schemaVersion": 2, "manifests": []}), Index)
    assert isinstance(read({"schemaVersion": 2, "config": CONFIG, "layers": []}), Manifest)


@pytest.mark.parametrize("compression", ["", "+gzip", "+zstd"])
@pytest.mark.parametrize("base", [mediatypes.LAYER, mediatypes.FOREIGN_LAYER])
def test_layers_in_every_compression(base: str, compression: str) -> None:
    kind = base + compression
    assert mediatypes.is_layer(kind)
    assert mediatypes.is_foreign(kind) == (base == mediatypes.FOREIGN_LAYER)
    assert mediatypes.as_oci(kind) == kind


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (manifest(manifests=[]), "a manifest and an index at once"),
        (manifest(config=None), "config: missing"),
        (manifest(layers={}), "layers: expected a list"),
        (manifest(layers=[{**LAYER, "digest": "sha256:../x"}]), r"layers\[0\]: 'sha256:../x': not a digest"),
        (manifest(layers=[{**LAYER, "size": -1}]), r"layers\[0\]: size"),
        (manifest(layers=[{**LAYER, "size": True}]), r"layers\[0\]: size"),
        (manifest(layers=[{**LAYER, "urls": "http://x"}]), r"layers\[0\]: urls"),
        (manifest(layers=[LAYER] * 501), "501 layers; overlayfs stacks 500"),
        (manifest(mediaType="text/plain"), "text/plain: neither"),
        (manifest(mediaType=5), "mediaType: expected a string"),
        (manifest(annotations={"a": 1}), "annotations"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        ([], "expected an object"),
    ],
)
def test_what_is_refused(document: Any, text: str) -> None:
    with pytest.raises(ImageError, match=f"^here: .*{text}|^here: {text}"):
        read(document)


def test_what_is_given_as_something_else_is_refused() -> None:
    with pytest.raises(ImageError, match="was given as"):
        read(manifest(), mediatypes.INDEX)


def test_an_artifact_is_no_image() -> None:
    found = read(manifest(config={**CONFIG, "mediaType": "application/vnd.example+json"}))
    assert isinstance(found, Manifest)
    with pytest.raises(ImageError, match=r"an artifact \(application/vnd.example"):
        image_only(found, "here")
