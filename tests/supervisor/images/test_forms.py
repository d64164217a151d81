"""What we write is as the image specification says, and other programs read it."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pycontainerd import Image, Supervisor
from pycontainerd.images import mediatypes
from pycontainerd.images.export import Form
from tests.supervisor import schemas
from tests.supervisor.archives import COMPRESSIONS, config, directory, layer, oci_layout, sha
from tests.supervisor.running import output


def added(root: Path) -> bytes:
    return layer(directory("data"), ("data/a", root.name.encode()))


async def saved(supervisor: Supervisor, target: Path, *references: str, form: Form) -> Path:
    with target.open("wb") as file:
        async for piece in supervisor.images.export(references, form=form):
            file.write(piece)
    return target


def unpacked(archive: Path, target: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extraction_filter = lambda member, _: member  # as an attribute: Debian 12's Python knows no argument for it
        tar.extractall(target)
    return target


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def blob(root: Path, digest: str) -> Any:
    return json.loads((root / "blobs/sha256" / digest.removeprefix("sha256:")).read_text())


def docker_layout(root: Path, layers: list[bytes]) -> Path:
    """A layout whose manifest is docker's, as registries have it, with an annotation."""
    oci_layout(root, layers, "d:1", COMPRESSIONS["gzip"])
    index = json.loads((root / "index.json").read_text())
    manifest = blob(root, index["manifests"][0]["digest"])
    manifest |= {"mediaType": mediatypes.DOCKER_MANIFEST, "annotations": {"who": "we"}}
    manifest["config"]["mediaType"] = mediatypes.DOCKER_CONFIG
    for each in manifest["layers"]:
        each["mediaType"] = f"{mediatypes.DOCKER_LAYER}.gzip"
    data = json.dumps(manifest).encode()
    (root / "blobs/sha256" / sha(data)[7:]).write_bytes(data)
    index["manifests"][0] |= {"mediaType": mediatypes.DOCKER_MANIFEST, "digest": sha(data), "size": len(data)}
    (root / "index.json").write_text(json.dumps(index))
    return root


@pytest.mark.parametrize("form", ["docker", "oci"])
@pytest.mark.parametrize("compression", [*COMPRESSIONS, "docker"])
async def test_a_layout_is_as_the_specification_says(
    supervisor: Supervisor, busybox: Image, tmp_path: Path, compression: str, form: Form
) -> None:
    layers = [added(tmp_path), layer(("b", b"2"))]
    if compression == "docker":
        await supervisor.images.import_archive(docker_layout(tmp_path / "in", layers))
        await supervisor.images.tag("d:1", "made:latest")
    else:
        await supervisor.images.import_archive(oci_layout(tmp_path / "in", layers, compress=COMPRESSIONS[compression]))
    archive = await saved(supervisor, tmp_path / "saved", "made", "busybox", form=form)
    root = unpacked(archive, tmp_path / "out")
    index = json.loads((root / "index.json").read_text())
    schemas.check("image-index", index)
    schemas.check("image-layout", json.loads((root / "oci-layout").read_text()))
    for descriptor in index["manifests"]:
        schemas.check("image-manifest", blob(root, descriptor["digest"]))
        schemas.check("config", blob(root, blob(root, descriptor["digest"])["config"]["digest"]))
    first = blob(root, index["manifests"][0]["digest"])
    suffix = {"plain": "", "docker": "+gzip"}.get(compression, f"+{compression}")
    if compression == "docker":
        assert [each["mediaType"] for each in first["layers"]] == [f"{mediatypes.LAYER}{suffix}"] * 2
        assert first["annotations"] == {"who": "we"}
    assert (root / "manifest.json").exists() == (form == "docker")


async def test_the_manifest_that_came_goes_out_again(supervisor: Supervisor, tmp_path: Path) -> None:
    """Byte for byte: signatures are over its digest."""
    root = oci_layout(tmp_path / "in", [added(tmp_path)])
    (descriptor,) = json.loads((root / "index.json").read_text())["manifests"]
    await supervisor.images.import_archive(root)
    out = unpacked(await saved(supervisor, tmp_path / "saved", "made", form="oci"), tmp_path / "out")
    assert [each["digest"] for each in json.loads((out / "index.json").read_text())["manifests"]] == [
        descriptor["digest"]
    ]


@pytest.mark.peer
@pytest.mark.parametrize("compression", ["plain", "gzip"])
async def test_umoci_reads_a_layout(supervisor: Supervisor, tmp_path: Path, compression: str) -> None:
    """umoci believes the media types: they are true when they leave us."""
    layers = [added(tmp_path), layer(("b", b"2"))]
    source = oci_layout(tmp_path / "in", layers, "made:1", COMPRESSIONS[compression], honest=False)
    await supervisor.images.import_archive(source)
    root = unpacked(await saved(supervisor, tmp_path / "saved", "made:1", form="oci"), tmp_path / "out")
    assert ran("umoci", "ls", "--layout", str(root)).split() == ["1"]
    ran("umoci", "unpack", "--image", f"{root}:1", str(tmp_path / "bundle"))
    assert (tmp_path / "bundle/rootfs/data/a").read_text() == tmp_path.name
    ran("umoci", "config", "--image", f"{root}:1", "--tag", "2", "--config.env", "A=b")
    changed = await supervisor.images.import_archive(root)
    assert {each.config.env for each in changed} == {(), ("A=b",)}


@pytest.mark.peer
@pytest.mark.parametrize("form", ["docker", "oci", "legacy"])
async def test_podman_loads_it(
    supervisor: Supervisor, busybox: Image, tmp_path: Path, tmp_short: Path, form: Form
) -> None:
    archive = await saved(supervisor, tmp_path / "saved", "busybox", form=form)
    roots = ["--root", str(tmp_short / "podman"), "--runroot", str(tmp_short / "run"), "--storage-driver", "vfs"]
    podman = ["podman", *roots, "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
    ran(*podman, "load", "-i", str(archive))
    listed = json.loads(ran(*podman, "images", "--format", "json"))
    assert [each["Id"] for each in listed] == [busybox.id.removeprefix("sha256:")]
    ran(*podman, "rmi", "--all", "--force")


@pytest.mark.peer
@pytest.mark.parametrize("form", ["docker", "oci", "legacy"])
async def test_skopeo_and_we_read_each_form(supervisor: Supervisor, busybox: Image, tmp_path: Path, form: Form) -> None:
    archive = await saved(supervisor, tmp_path / "saved", "busybox", form=form)
    source = f"oci-archive:{archive}" if form == "oci" else f"docker-archive:{archive}"
    found = json.loads(ran("skopeo", "--insecure-policy", "inspect", "--config", source))
    assert found["rootfs"]["diff_ids"] == list(busybox.layers)
    await supervisor.images.remove("busybox")
    (image,) = await supervisor.images.import_archive(archive)
    assert (image.id, image.references) == (busybox.id, ("busybox:latest",))
    assert await output(supervisor, "echo fine") == "fine\n"


async def test_names_in_one_of_both_forms(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    """Tools that write both forms may name the image in manifest.json only, by another spelling of the same name."""
    root = unpacked(await saved(supervisor, tmp_path / "saved", "busybox", form="docker"), tmp_path / "out")
    index = json.loads((root / "index.json").read_text())
    del index["manifests"][0]["annotations"]
    (root / "index.json").write_text(json.dumps(index))
    manifest = json.loads((root / "manifest.json").read_text())
    manifest[0]["RepoTags"] = ["docker.io/library/named:1", "named:1", "other:2"]
    (root / "manifest.json").write_text(json.dumps(manifest))
    (image,) = await supervisor.images.import_archive(root)
    assert (image.id, image.references) == (busybox.id, ("named:1", "other:2"))


async def test_an_empty_layer(supervisor: Supervisor, tmp_path: Path, busybox_tar: Path) -> None:
    """docker of old made one of 1024 zero bytes for steps that change no file."""
    layers = [busybox_tar.read_bytes(), b"\0" * 1024, layer(("b", b"2"))]
    (image,) = await supervisor.images.import_archive(
        oci_layout(tmp_path / "in", layers, compress=COMPRESSIONS["gzip"])
    )
    assert image.layers[1] == "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    assert await output(supervisor, "cat /b", image="made") == "2"


async def test_a_foreign_layer_keeps_its_addresses(supervisor: Supervisor, tmp_path: Path) -> None:
    root = oci_layout(tmp_path / "in", [added(tmp_path)])
    index = json.loads((root / "index.json").read_text())
    manifest = blob(root, index["manifests"][0]["digest"])
    manifest["layers"][0] |= {"mediaType": mediatypes.FOREIGN_LAYER, "urls": ["https://example.org/layer"]}
    data = json.dumps(manifest).encode()
    (root / "blobs/sha256" / sha(data)[7:]).write_bytes(data)
    index["manifests"][0] |= {"digest": sha(data), "size": len(data)}
    (root / "index.json").write_text(json.dumps(index))
    await supervisor.images.import_archive(root)
    out = unpacked(await saved(supervisor, tmp_path / "saved", "made", form="docker"), tmp_path / "out")
    (descriptor,) = json.loads((out / "index.json").read_text())["manifests"]
    assert blob(out, descriptor["digest"])["layers"] == manifest["layers"]


async def test_another_platform_on_request(supervisor: Supervisor, tmp_path: Path) -> None:
    root = oci_layout(tmp_path / "in", [added(tmp_path)])
    (ours,) = json.loads((root / "index.json").read_text())["manifests"]
    document = json.loads(config([added(tmp_path)])) | {"architecture": "arm64", "variant": "v8"}
    data = json.dumps(document).encode()
    (root / "blobs/sha256" / sha(data)[7:]).write_bytes(data)
    manifest = blob(root, ours["digest"])
    manifest["config"] |= {"digest": sha(data), "size": len(data)}
    other = json.dumps(manifest).encode()
    (root / "blobs/sha256" / sha(other)[7:]).write_bytes(other)
    theirs = {**ours, "digest": sha(other), "size": len(other), "platform": {"os": "linux", "architecture": "arm64"}}
    inner = json.dumps({"manifests": [theirs, {**ours, "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
    (root / "blobs/sha256" / sha(inner)[7:]).write_bytes(inner)
    outer = {**ours, "mediaType": mediatypes.INDEX, "digest": sha(inner), "size": len(inner)}
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [outer]}))
    (image,) = await supervisor.images.import_archive(root, platform="linux/arm64/v9")
    assert (image.architecture, image.variant) == ("arm64", "v8")
