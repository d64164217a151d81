"""Indexes with platforms, foreign layers, and images that other programs have pushed or pull."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pycontainerd import Image, Supervisor
from pycontainerd.errors import DigestMismatch, ImageError, RegistryError
from pycontainerd.images import mediatypes
from tests.supervisor.archives import layer, sha
from tests.supervisor.registry.evil import Answer, Evil
from tests.supervisor.running import output
from tests.supervisor.stores import Stored
from tests.support.registry import Registry


@pytest.fixture
async def served() -> AsyncIterator[Evil]:
    async with Evil().serving() as serving:
        yield serving


def for_platform(evil: Evil, words: str, kind: str) -> dict[str, Any]:
    """An image whose layer holds ``words``, as an entry of an index."""
    evil.serve(layer(("words", words.encode())))
    _, data = evil.manifests["1"]
    evil.manifests[sha(data)] = (kind, data)
    os, architecture, *variant = words.split("/")
    platform = {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    return {"mediaType": kind, "digest": sha(data), "size": len(data), "platform": platform}


@pytest.mark.parametrize("kind", mediatypes.INDEXES)
async def test_an_index_of_platforms(supervisor: Supervisor, served: Evil, kind: str) -> None:
    each = mediatypes.MANIFEST
    known = ["linux/arm/v6", "linux/arm64", "linux/amd64", "linux/arm/v7"]
    entries = [for_platform(served, words, each) for words in known]
    statement = {**entries[0], "digest": sha(b"statement"), "platform": {"os": "unknown", "architecture": "unknown"}}
    served.put(json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [statement, *entries]}).encode(), kind)
    index = sha(served.manifests["1"][1])
    for asked, chosen in (
        (None, "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm/v8", "linux/arm/v7"),
        ("arm/v6", None),
    ):
        if chosen is None:
            with pytest.raises(ImageError, match="no manifest for arm/v6"):
                await supervisor.images.pull(served.name, platform=asked)
            continue
        image = await supervisor.images.pull(served.name, platform=asked)
        assert chosen.encode() in supervisor.content.path(image.blobs[0].digest).read_bytes()
        assert f"{served.name.rpartition(':')[0]}@{index}" in image.digests
    found = await supervisor.registries.inspect(served.name)
    assert [str(each) for each in found.platforms] == known
    assert found.descriptor.digest == index


async def test_a_foreign_layer_comes_from_its_own_address(supervisor: Supervisor, served: Evil) -> None:
    data = layer(("foreign", b"1"))
    manifest: dict[str, Any] = served.serve(data)
    async with Evil().serving() as elsewhere:
        elsewhere.blobs[sha(data)] = served.blobs.pop(sha(data))
        address = f"http://{elsewhere.host}/files/blobs/{sha(data)}"
        manifest["layers"][0] |= {"mediaType": mediatypes.FOREIGN_LAYER, "urls": ["ftp://x/", address]}
        served.put(json.dumps(manifest).encode())
        image = await supervisor.images.pull(served.name)
        assert supervisor.content.path(image.blobs[0].digest).read_bytes() == data
        elsewhere.blobs[sha(data)] = data[:-1] + b"x"
        await supervisor.images.remove(served.name)
        with pytest.raises(DigestMismatch):
            await supervisor.images.pull(served.name)
    assert Stored.of(supervisor).empty


async def test_a_foreign_layer_is_not_pushed(supervisor: Supervisor, served: Evil) -> None:
    data = layer(("foreign", b"1"))
    manifest: dict[str, Any] = served.serve(data)
    manifest["layers"][0] |= {"mediaType": mediatypes.FOREIGN_LAYER, "urls": ["http://127.0.0.1:9/"]}
    served.put(json.dumps(manifest).encode())
    await supervisor.images.pull(served.name)

    async def stored(request: web.Request) -> Answer | None:
        if request.method != "PUT" or "/manifests/" not in request.path:
            return None
        served.put(await request.read())
        return web.Response(status=201)

    served.blobs.clear()
    served.trick = stored
    await supervisor.images.push(served.name)
    assert sha(data) not in served.blobs
    assert json.loads(served.manifests["1"][1]) == manifest


# -- with skopeo and podman ------------------------------------------------------------------------------------------------


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.peer
@pytest.mark.parametrize("form", ["oci", "v2s2"])
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
async def test_what_skopeo_has_pushed(
    supervisor: Supervisor, busybox: Image, plain: Registry, tmp_path: Path, form: str, compression: str
) -> None:
    if (form, compression) == ("v2s2", "zstd"):
        compression = "gzip"  # docker's manifests know no zstd
    archive = tmp_path / "saved"
    with archive.open("wb") as file:
        async for piece in supervisor.images.export(["busybox"], form="oci"):
            file.write(piece)
    await supervisor.images.remove("busybox")
    name = f"{plain.host}/skopeo/{form}-{compression}:1"
    options = ["--dest-tls-verify=false", "--format", form, "--dest-compress-format", compression, "--dest-compress"]
    ran("skopeo", "--insecure-policy", "copy", *options, f"oci-archive:{archive}", f"docker://{name}")
    image = await supervisor.images.pull(name)
    assert image.layers == busybox.layers
    assert await output(supervisor, "echo fine", image=name) == "fine\n"
    digest = await supervisor.images.push(name)
    said = json.loads(ran("skopeo", "inspect", "--tls-verify=false", f"docker://{name}"))
    assert said["Digest"] == digest, "what skopeo had pushed was pushed as something else"


@pytest.mark.peer
async def test_skopeo_reads_what_we_push(
    supervisor: Supervisor, busybox: Image, plain: Registry, tmp_path: Path
) -> None:
    name = f"{plain.host}/ours/busybox:1"
    await supervisor.images.tag("busybox", name)
    digest = await supervisor.images.push(name)
    said = json.loads(ran("skopeo", "inspect", "--tls-verify=false", f"docker://{name}"))
    assert (said["Digest"], said["Architecture"]) == (digest, "amd64")
    target = f"docker-archive:{tmp_path / 'copied'}:copied:1"
    ran("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", f"docker://{name}", target)
    (copied,) = await supervisor.images.import_archive(tmp_path / "copied")
    assert copied.layers == busybox.layers


async def test_two_namespaces_bring_in_the_same_each_for_itself(supervisor: Supervisor, served: Evil) -> None:
    served.serve(layer(("a", b"1")))
    other = supervisor.namespace("other")
    mine = await supervisor.images.pull(served.name)
    theirs = await other.images.pull(served.name)
    assert mine.blobs == theirs.blobs
    assert len(served.asked(mine.blobs[0].digest)) == 2, "knowing a digest was enough to have the blob"
    await supervisor.images.remove(served.name)
    assert other.images.get(served.name).id == mine.id
    await other.images.remove(served.name)
    assert Stored.of(supervisor).empty


async def test_memory_is_bounded(tmp_short: Path, served: Evil) -> None:
    """docs/supervisor/registries.md says 64 MiB; the image has 160."""
    served.serve(*(layer((f"{number}", os.urandom(16 << 20))) for number in range(10)))
    command = [sys.executable, "-m", "tests.supervisor.registry.pulling", str(tmp_short), served.name, "weigh"]
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await program.communicate()
    assert program.returncode == 0
    assert int(said) < 64 << 10


async def test_a_registry_that_is_none(supervisor: Supervisor, served: Evil) -> None:
    served.serve(layer(("a", b"1")))

    async def website(request: web.Request) -> Answer:
        return web.Response(text="<html>welcome</html>", content_type="text/html")

    served.trick = website
    with pytest.raises((ImageError, RegistryError)):
        await supervisor.images.pull(served.name)
    assert Stored.of(supervisor).empty
