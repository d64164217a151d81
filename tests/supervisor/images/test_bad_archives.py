"""What is not as it says is refused with a reason, and nothing of it is kept: no blob, no directory, no row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import DigestMismatch, ImageError, InvalidInput, InvalidReference, LayerError, SupervisorError
from tests.supervisor.archives import (
    config,
    directory,
    docker_archive,
    hard_link,
    layer,
    oci_layout,
    sha,
    symlink,
    tarred,
)
from tests.supervisor.stores import Stored

GOOD = layer(directory("etc"), ("etc/file", b"content"))
Make = Callable[[Path], Path]


def truncated_archive(home: Path) -> Path:
    archive = docker_archive(home / "tar", [GOOD, layer(("big", b"x" * 100_000))])
    archive.write_bytes(archive.read_bytes()[:60_000])
    return archive


def truncated_gzip(home: Path) -> Path:
    import gzip

    archive = docker_archive(home / "tar", [GOOD, layer(("big", b"x" * 100_000))])
    archive.write_bytes(gzip.compress(archive.read_bytes())[:-20])
    return archive


def not_an_archive(home: Path) -> Path:
    (home / "tar").write_bytes(b"#!/bin/sh\n" * 1000)
    return home / "tar"


def no_image(home: Path) -> Path:
    (home / "tar").write_bytes(layer(("etc/passwd", b"")))
    return home / "tar"


def wrong_layer_digest(home: Path) -> Path:
    root = oci_layout(home / "layout", [GOOD, layer(("b", b"2"))])
    blob = root / "blobs/sha256" / sha(layer(("b", b"2")))[7:]
    blob.write_bytes(blob.read_bytes().replace(b"2", b"3", 1))
    return root


def wrong_diff_id(home: Path) -> Path:
    """The blob is as promised by the manifest, but unpacks to something that the configuration does not name."""
    root = oci_layout(home / "layout", [GOOD])
    index = json.loads((root / "index.json").read_text())
    blobs = root / "blobs/sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    other = layer(("etc/file", b"CONTENT"))
    (blobs / sha(other)[7:]).write_bytes(other)
    manifest["layers"][0] |= {"digest": sha(other), "size": len(other)}
    data = json.dumps(manifest).encode()
    (blobs / sha(data)[7:]).write_bytes(data)
    index["manifests"][0] |= {"digest": sha(data), "size": len(data)}
    (root / "index.json").write_text(json.dumps(index))
    return root


def wrong_manifest_digest(home: Path) -> Path:
    """An index that contains itself, which a digest that is true cannot do."""
    root = oci_layout(home / "layout", [GOOD])
    digest = sha(b"whatever")
    descriptor = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": 1}
    index = json.dumps(
        {"schemaVersion": 2, "manifests": [{**descriptor, "platform": {"os": "linux", "architecture": "amd64"}}]}
    )
    (root / "index.json").write_text(index)
    (root / "blobs/sha256" / digest[7:]).write_text(index)
    return root


def missing_layer(home: Path) -> Path:
    root = oci_layout(home / "layout", [GOOD])
    (root / "blobs/sha256" / sha(GOOD)[7:]).unlink()
    return tarred(root, home / "tar")


def blob_that_leads_out(home: Path) -> Path:
    (home / "secret").write_bytes(GOOD)
    root = oci_layout(home / "layout", [GOOD])
    blob = root / "blobs/sha256" / sha(GOOD)[7:]
    blob.unlink()
    blob.symlink_to(home / "secret")
    return root


def bad_json(home: Path) -> Path:
    (home / "tar").write_bytes(layer(("manifest.json", b"[" * 100_000)))
    return home / "tar"


def bad_name(home: Path) -> Path:
    return docker_archive(home / "tar", [GOOD], ["UPPER:1"])


def bad_configuration(home: Path) -> Path:
    config = json.dumps({"config": {"Env": "A=b"}, "rootfs": {"diff_ids": []}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": []}]).encode()
    (home / "tar").write_bytes(layer(("config.json", config), ("manifest.json", manifest)))
    return home / "tar"


def names_that_are_none(home: Path) -> Path:
    manifest = json.dumps([{"Config": "config.json", "RepoTags": 5, "Layers": ["layer.tar"]}]).encode()
    (home / "tar").write_bytes(layer(("config.json", b"{}"), ("layer.tar", GOOD), ("manifest.json", manifest)))
    return home / "tar"


def one_layer_for_ever(home: Path) -> Path:
    """Two kilobytes that are unpacked 501 times."""
    manifest = json.dumps([{"Config": "config.json", "Layers": ["layer.tar"] * 501}]).encode()
    document = config([GOOD] * 501)
    (home / "tar").write_bytes(layer(("config.json", document), ("layer.tar", GOOD), ("manifest.json", manifest)))
    return home / "tar"


def hostile(*entries: object) -> Make:
    """A second layer that wants to leave."""

    def make(home: Path) -> Path:
        return oci_layout(home / "layout", [GOOD, layer(("first", b""), *entries)])  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (truncated_archive, ImageError, "truncated"),
        (truncated_gzip, ImageError, "truncated"),
        (not_an_archive, ImageError, "not a tar archive"),
        (no_image, ImageError, "neither manifest.json"),
        (wrong_layer_digest, DigestMismatch, "expected sha256:"),
        (wrong_diff_id, DigestMismatch, "diff id"),
        (wrong_manifest_digest, DigestMismatch, "expected sha256:"),
        (missing_layer, ImageError, "missing"),
        (blob_that_leads_out, ImageError, "No such file"),
        (bad_json, ImageError, "not JSON"),
        (bad_name, InvalidReference, "lowercase"),
        (bad_configuration, ImageError, "Env"),
        (names_that_are_none, ImageError, "RepoTags: expected a list of names"),
        (one_layer_for_ever, ImageError, "501 layers; overlayfs stacks 500"),
        (hostile(("../escaped", b"")), LayerError, "'../escaped'"),
        (hostile(symlink("s", "/"), ("s/escaped", b"")), LayerError, "'s/escaped'"),
        (hostile(symlink("a", "b"), symlink("b", ".."), ("a/escaped", b"")), LayerError, "'a/escaped'"),
        (hostile(hard_link("h", "../../../metadata.db")), LayerError, "'h'"),
    ],
)
async def test_a_bad_archive(
    supervisor: Supervisor, tmp_path: Path, make: Make, error: type[SupervisorError], text: str
) -> None:
    (kept,) = await supervisor.images.import_archive(oci_layout(tmp_path / "kept", [GOOD], "kept:1"))
    before = Stored.of(supervisor)
    with pytest.raises(error, match=text):
        await supervisor.images.import_archive(make(tmp_path))
    assert Stored.of(supervisor) == before
    assert supervisor.images.list()[1:] == [kept]
    assert not list(supervisor.root.rglob("escaped"))


async def test_an_archive_with_one_bad_image_is_refused_as_a_whole(supervisor: Supervisor, tmp_path: Path) -> None:
    root = oci_layout(tmp_path / "layout", [GOOD])
    index = json.loads((root / "index.json").read_text())
    index["manifests"].append({**index["manifests"][0], "digest": sha(b"")})
    (root / "index.json").write_text(json.dumps(index))
    with pytest.raises(ImageError):
        await supervisor.images.import_archive(root)
    assert Stored.of(supervisor).empty


@pytest.mark.parametrize("size", [0, 100, 512, 1024, 30_000])
async def test_a_truncated_root_file_system(
    supervisor: Supervisor, busybox_tar: Path, tmp_path: Path, size: int
) -> None:
    (tmp_path / "tar").write_bytes(busybox_tar.read_bytes()[:size])
    with pytest.raises(LayerError):
        await supervisor.images.import_rootfs(tmp_path / "tar", "broken")
    assert Stored.of(supervisor).empty


@pytest.mark.parametrize("change", ["RUN true", "EXPOSE [1]", "ENV A", 'LABEL "'])
async def test_a_bad_change(supervisor: Supervisor, busybox_tar: Path, change: str) -> None:
    with pytest.raises(ImageError, match="changes"):
        await supervisor.images.import_rootfs(busybox_tar, "broken", changes=[change])
    assert Stored.of(supervisor).empty


@pytest.mark.parametrize("reference", ["", "UPPER", "a b", "a:b:c/d", "-x", "x@sha256:1"])
async def test_a_bad_name(supervisor: Supervisor, busybox_tar: Path, reference: str) -> None:
    with pytest.raises(InvalidInput):
        await supervisor.images.import_rootfs(busybox_tar, reference or " ")
    assert Stored.of(supervisor).empty
