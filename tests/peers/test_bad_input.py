"""What docker refuses, we refuse with its exit code, and nothing is left behind."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from .conftest import Engine


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def docker_archive(path: Path, layer: bytes, diff_id: str | None = None) -> None:
    """Write a ``docker save`` archive with one layer, and a true or a false digest."""
    digest = diff_id or "sha256:" + hashlib.sha256(layer).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest]}}
    text = json.dumps(config).encode()
    name = hashlib.sha256(text).hexdigest() + ".json"
    with tarfile.open(path, "w") as archive:
        add(archive, name, text)
        add(archive, "layer.tar", layer)
        manifest = [{"Config": name, "RepoTags": ["bad:1"], "Layers": ["layer.tar"]}]
        add(archive, "manifest.json", json.dumps(manifest).encode())


def layer(*entries: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return stream.getvalue()


def file(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = 1
    return entry


def link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.SYMTYPE
    entry.linkname = target
    return entry


def test_layer_with_a_wrong_digest(engine: Engine) -> None:
    archive = engine.directory / "wrong.tar"
    docker_archive(archive, layer(file("good")), "sha256:" + "0" * 64)
    assert engine.docker("load", "-i", str(archive)).returncode == 1
    assert engine.ok("images", "-q", "bad") == ""


@pytest.mark.parametrize("name", ["../escaped", "a/../../escaped"])
def test_layer_that_climbs_out(engine: Engine, name: str) -> None:
    archive = engine.directory / "climbs.tar"
    docker_archive(archive, layer(file(name)))
    engine.docker("load", "-i", str(archive))  # dockerd clips such names to the image's root, others refuse them
    escaped = [path for path in engine.directory.rglob("escaped") if path.parent.name not in ("diff", "fs")]
    assert not escaped
    engine.docker("rmi", "-f", "bad:1")


def test_layer_that_writes_through_an_absolute_symlink(engine: Engine) -> None:
    outside = engine.directory / "outside"
    outside.mkdir()
    archive = engine.directory / "through.tar"
    docker_archive(archive, layer(link("out", str(outside)), file("out/written")))
    engine.docker("load", "-i", str(archive))  # refused, or written inside the image's own root: both are safe
    assert not list(outside.iterdir())
    engine.docker("rmi", "-f", "bad:1")


def test_not_an_archive(engine: Engine) -> None:
    (engine.directory / "noise").write_bytes(b"no archive at all" * 100)
    assert engine.docker("load", "-i", str(engine.directory / "noise")).returncode == 1


def test_unknown_things(engine: Engine) -> None:
    for command in ("start", "stop", "kill", "logs", "rm", "top", "wait"):
        result = engine.docker(command, "nothing-here")
        assert (result.returncode, "No such container" in result.stderr) == (1, True), command


def test_a_name_in_use(engine: Engine) -> None:
    first = engine.ok("create", "--name", "taken", "--network", "none", "busybox", "true")
    second = engine.docker("run", "--name", "taken", "--network", "none", "busybox", "true")
    assert second.returncode == 125
    assert f'The container name "/taken" is already in use by container "{first}"' in second.stderr
    assert engine.ok("ps", "-aq", "--no-trunc") == first


def test_an_unknown_image(engine: Engine) -> None:
    result = engine.docker("create", "--pull", "never", "nowhere:1", "true")
    assert (result.returncode, "No such image: nowhere:1" in result.stderr) == (1, True), result.stderr
