"""Images come in from every form in which they are handed around, and go out in one that all read."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pycontainerd import Image, Supervisor
from pycontainerd.errors import ImageError, ImageInUse, ImageNotFound
from tests.supervisor.archives import (
    COMPRESSIONS,
    directory,
    docker_archive,
    entry,
    layer,
    oci_layout,
    sha,
    symlink,
    tarred,
)
from tests.supervisor.running import create, output
from tests.supervisor.stores import Stored


@pytest.fixture(scope="session")
def layers(busybox_tar: Path) -> list[bytes]:
    """busybox, and two layers over it that add, replace and delete."""
    added = layer(directory("data"), ("data/a", b"1"), ("data/b", b"1"), directory("old"), ("old/x", b"1"))
    changed = layer(
        ("data/b", b"2"),
        entry("data/.wh.a"),
        directory("old"),
        entry("old/.wh..wh..opq"),
        ("old/y", b"2"),
        symlink("l", "data/b"),
    )
    return [busybox_tar.read_bytes(), added, changed]


SHOW = "ls data old; cat l"
SHOWN = "data:\nb\n\nold:\ny\n2"


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_an_oci_layout(supervisor: Supervisor, tmp_path: Path, layers: list[bytes], compression: str) -> None:
    root = oci_layout(tmp_path / "layout", layers, "shown:1", COMPRESSIONS[compression])
    (image,) = await supervisor.images.import_archive(root)
    assert image.references == ("shown:1",)
    assert image.layers == tuple(map(sha, layers))
    assert image.size == sum(len(COMPRESSIONS[compression](each)) for each in layers)
    assert await output(supervisor, SHOW, image="shown:1") == SHOWN


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_an_oci_layout_as_a_compressed_tar(
    supervisor: Supervisor, tmp_path: Path, layers: list[bytes], compression: str
) -> None:
    archive = tarred(oci_layout(tmp_path / "layout", layers), tmp_path / "tar")
    archive.write_bytes(COMPRESSIONS[compression](archive.read_bytes()))
    (image,) = await supervisor.images.import_archive(archive)
    assert image.references == ("made:latest",)
    assert await output(supervisor, SHOW, image=image.id) == SHOWN


async def test_an_old_docker_archive_with_linked_layers(
    supervisor: Supervisor, tmp_path: Path, layers: list[bytes]
) -> None:
    archive = docker_archive(
        tmp_path / "tar", [*layers, layers[2]], ["docker.io/library/old:1", "reg.example:5000/old"]
    )
    (image,) = await supervisor.images.import_archive(archive)
    assert image.references == ("old:1", "reg.example:5000/old:latest")
    assert await output(supervisor, SHOW, image="old:1") == SHOWN


async def pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(100_000):
            yield piece


async def test_an_archive_as_a_stream(supervisor: Supervisor, tmp_path: Path, layers: list[bytes]) -> None:
    archive = docker_archive(tmp_path / "tar", layers)
    (image,) = await supervisor.images.import_archive(pieces(archive))
    assert supervisor.images.get("made") == image


async def exported(supervisor: Supervisor, target: Path, *references: str) -> Path:
    with target.open("wb") as file:
        async for piece in supervisor.images.export(references):
            file.write(piece)
    return target


async def test_what_is_saved_comes_back_the_same(
    supervisor: Supervisor, tmp_path: Path, layers: list[bytes], busybox: Image
) -> None:
    await supervisor.images.import_archive(oci_layout(tmp_path / "layout", layers, "a:1", COMPRESSIONS["zstd"]))
    await supervisor.images.tag("a:1", "a:2")
    before = supervisor.images.get("a:1")
    archive = await exported(supervisor, tmp_path / "saved", "a:1", "a:2", "busybox")
    with tarfile.open(archive) as saved:
        names = saved.getnames()
    assert len(names) == len(set(names))
    empty = {"host:latest"}
    for reference in ("a:1", "a:2", "busybox"):
        await supervisor.images.remove(reference)
    assert {name for image in supervisor.images.list() for name in image.references} == empty
    assert Stored.of(supervisor).empty
    loaded = await supervisor.images.import_archive(archive)
    assert [image.id for image in loaded] == [before.id, busybox.id]
    assert supervisor.images.get("a:2") == before
    assert await output(supervisor, SHOW, image="a:2") == SHOWN


@pytest.mark.peer
async def test_skopeo_reads_what_is_saved_and_writes_what_is_read(
    supervisor: Supervisor, tmp_path: Path, layers: list[bytes]
) -> None:
    (image,) = await supervisor.images.import_archive(oci_layout(tmp_path / "layout", layers, "a:1"))
    archive = await exported(supervisor, tmp_path / "saved", "a:1")
    inspected = skopeo("inspect", "--config", f"docker-archive:{archive}")
    assert json.loads(inspected)["rootfs"]["diff_ids"] == list(image.layers)
    await supervisor.images.remove("a:1")
    skopeo("copy", f"oci-archive:{archive}", f"oci:{tmp_path / 'oci'}:b:1")
    skopeo("copy", f"docker-archive:{archive}", f"docker-archive:{tmp_path / 'docker'}:c:1")
    for source, name in (("oci", "b:1"), ("docker", "c:1")):
        (copy,) = await supervisor.images.import_archive(tmp_path / source)
        assert (copy.references, copy.layers) == ((name,), image.layers)
        assert await output(supervisor, SHOW, image=name) == SHOWN


def skopeo(*arguments: str) -> str:
    command = ["skopeo", "--insecure-policy", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_a_root_file_system(supervisor: Supervisor, busybox_tar: Path, tmp_path: Path, compression: str) -> None:
    tar = tmp_path / "tar"
    tar.write_bytes(COMPRESSIONS[compression](busybox_tar.read_bytes()))
    changes = ['CMD ["cat", "/etc/group"]', "ENV A=b", "USER daemon", "WORKDIR /tmp", "LABEL x=y", "EXPOSE 80"]
    image = await supervisor.images.import_rootfs(tar, "made", changes=changes, message="from a test")
    assert image.references == ("made:latest",)
    assert image.layers == (sha(busybox_tar.read_bytes()),)
    assert (image.config.env, image.config.user, image.config.exposed_ports) == (("A=b",), "daemon", ("80/tcp",))
    assert image.history[0].comment == "from a test"
    assert await output(supervisor, "echo $A; id -un; pwd", image="made") == "b\ndaemon\n/tmp\n"


async def test_the_same_layer_in_another_compression_is_kept_once(
    supervisor: Supervisor, tmp_path: Path, layers: list[bytes]
) -> None:
    await supervisor.images.import_archive(oci_layout(tmp_path / "plain", layers))
    before = Stored.of(supervisor)
    await supervisor.images.import_archive(oci_layout(tmp_path / "gzip", layers, compress=COMPRESSIONS["gzip"]))
    assert Stored.of(supervisor) == before


async def test_of_several_platforms_ours_is_taken(supervisor: Supervisor, tmp_path: Path, layers: list[bytes]) -> None:
    root = oci_layout(tmp_path / "layout", layers)
    (ours,) = json.loads((root / "index.json").read_text())["manifests"]
    nowhere = {**ours, "digest": sha(b"not there"), "platform": {"os": "linux", "architecture": "s390x"}}
    statement = {**nowhere, "platform": {"os": "unknown", "architecture": "unknown"}}
    inner = json.dumps(
        {"manifests": [nowhere, statement, {**ours, "platform": {"os": "linux", "architecture": "amd64"}}]}
    ).encode()
    (root / "blobs/sha256" / sha(inner)[7:]).write_bytes(inner)
    kind = "application/vnd.oci.image.index.v1+json"
    outer = {"mediaType": kind, "digest": sha(inner), "size": len(inner), "annotations": ours["annotations"]}
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [outer, statement]}))
    (image,) = await supervisor.images.import_archive(root)
    assert image.references == ("made:latest",)


async def test_names_and_removal(supervisor: Supervisor, busybox: Image) -> None:
    images = supervisor.images
    await images.tag("busybox", "docker.io/library/other:1")
    assert images.get("other:1").id == images.get(busybox.id[7:19]).id == busybox.id
    with pytest.raises(ImageInUse, match="multiple repositories"):
        await images.remove(busybox.id)
    assert [(each.untagged, each.deleted) for each in await images.remove("busybox")] == [("busybox:latest", None)]
    container = await create(supervisor, "true", image="other:1")
    with pytest.raises(ImageInUse, match="used by a container"):
        await images.remove("other:1")
    await container.remove()
    removed = await images.remove("other:1")
    assert [(each.untagged, each.deleted) for each in removed] == [("other:1", None), (None, busybox.id)]
    with pytest.raises(ImageNotFound, match="No such image: other:1"):
        images.get("other:1")
    assert Stored.of(supervisor).empty


async def test_an_image_that_is_removed_by_force_serves_its_containers_on(
    supervisor: Supervisor, busybox: Image
) -> None:
    container = await create(supervisor, "echo still here")
    await supervisor.images.remove("busybox", force=True)
    await container.start()
    assert (await container.wait()).code == 0
    await container.remove()
    await supervisor.images.remove(busybox.id)
    assert Stored.of(supervisor).empty


async def test_the_built_in_image_stays_as_it_is(supervisor: Supervisor, busybox_tar: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageInUse, match="cannot be removed"):
        await supervisor.images.remove("host")
    with pytest.raises(ImageInUse, match="cannot be renamed"):
        await supervisor.images.tag("host", "other")
    with pytest.raises(ImageError, match="built-in"):
        await supervisor.images.import_rootfs(busybox_tar, "host")
    with pytest.raises(ImageError, match="cannot be exported"):
        await exported(supervisor, tmp_path / "x", "host")
    assert Stored.of(supervisor).empty
