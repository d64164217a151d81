"""Pull and push with Debian's docker-registry: plain, with passwords, with tokens, with TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd import Credentials, Image, Progress, RegistryConfig, Step, Supervisor
from pycontainerd.blocking import Supervisor as BlockingSupervisor
from pycontainerd.diff.compression import decompressed
from pycontainerd.errors import (
    AccessDenied,
    ImageError,
    ImageNotFound,
    ManifestNotFound,
    RegistryRefused,
    RegistryUnavailable,
)
from tests.supervisor.archives import COMPRESSIONS, layer, oci_layout
from tests.supervisor.conftest import remove_all
from tests.supervisor.registry.conftest import impatient, supervisor_with
from tests.supervisor.running import output
from tests.supervisor.stores import Stored
from tests.support.registry import PASSWORD, USER, Authority, Registry, TokenServer, registry

KNOWN = Credentials(username=USER, password=PASSWORD)


@pytest.fixture
def name(plain: Registry, request: pytest.FixtureRequest) -> str:
    """A repository of the test's own."""
    words = "".join(sign if sign.isalnum() else "-" for sign in request.node.name.lower())
    return f"{plain.host}/tests/{words.strip('-')}"


async def made(supervisor: Supervisor, home: Path, name: str, *layers: bytes, compression: str = "gzip") -> Image:
    """An image of these layers by this name."""
    root = oci_layout(home / f"layout-{len(list(home.iterdir()))}", layers, name, COMPRESSIONS[compression])
    (image,) = await supervisor.images.import_archive(root)
    return image


async def removed(supervisor: Supervisor, *names: str) -> None:
    for each in names:
        await supervisor.images.remove(each)
    assert Stored.of(supervisor).empty


def steps(told: list[Progress], step: Step) -> list[Progress]:
    return [each for each in told if each.step is step]


LAYERS = [layer(("a", os.urandom(300_000))), layer(("b", b"2")), layer(("c", os.urandom(10_000)))]


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_what_is_pushed_comes_back_the_same(
    supervisor: Supervisor, tmp_path: Path, name: str, compression: str
) -> None:
    before = await made(supervisor, tmp_path, f"{name}:1", *LAYERS, compression=compression)
    told: list[Progress] = []
    digest = await supervisor.images.push(f"{name}:1", progress=told.append)
    assert len(steps(told, Step.PUSHED)) == 3
    assert supervisor.images.get(f"{name}@{digest}").id == before.id
    await removed(supervisor, f"{name}:1")
    told.clear()
    image = await supervisor.images.pull(f"{name}:1", progress=told.append)
    assert (image.id, image.references, image.digests) == (before.id, (f"{name}:1",), (f"{name}@{digest}",))
    assert image.manifest == before.manifest
    assert image.blobs == before.blobs
    assert {each.id for each in steps(told, Step.EXTRACTED)} == {each.digest for each in image.blobs}
    assert [each.id for each in (told[0], told[-1])] == [digest, digest]
    with supervisor.content.open(image.blobs[0].digest) as blob:
        assert decompressed(blob).read() == LAYERS[0]


async def test_a_pulled_image_runs(supervisor: Supervisor, busybox: Image, name: str) -> None:
    await supervisor.images.tag("busybox", f"{name}:latest")
    digest = await supervisor.images.push(name)
    await removed(supervisor, "busybox", name)
    image = await supervisor.images.pull(f"{name}@{digest}")
    assert (image.id, image.references) == (busybox.id, ())
    assert image.blobs[0].size < busybox.blobs[0].size / 1.5, "it was pushed without being compressed"
    assert await output(supervisor, "echo fine", image=f"{name}@{digest}") == "fine\n"


async def test_a_second_pull_asks_once_and_a_second_push_sends_nothing(
    supervisor: Supervisor, plain: Registry, busybox: Image, name: str
) -> None:
    await supervisor.images.tag("busybox", f"{name}:latest")
    first = await supervisor.images.push(name)
    told: list[Progress] = []
    assert await supervisor.images.push(name, progress=told.append) == first
    assert len(steps(told, Step.EXISTS)) == 1
    assert not steps(told, Step.PUSHING)
    lines = len(plain.log().splitlines())
    image = await supervisor.images.pull(name)
    assert image.id == busybox.id
    asked = [line for line in plain.log().splitlines()[lines:] if "HTTP/1.1" in line]
    assert len(asked) == 1, asked


async def test_a_tag_that_has_moved_is_pulled_anew(supervisor: Supervisor, tmp_path: Path, name: str) -> None:
    first = await made(supervisor, tmp_path, f"{name}:1", LAYERS[0])
    await supervisor.images.push(f"{name}:1")
    second = await made(supervisor, tmp_path, f"{name}:1", LAYERS[0], LAYERS[1])
    await supervisor.images.push(f"{name}:1")
    await supervisor.images.tag(first.id, f"{name}:1")
    told: list[Progress] = []
    assert (await supervisor.images.pull(f"{name}:1", progress=told.append)).id == second.id
    assert supervisor.images.get(f"{name}:1").id == second.id


async def test_a_layer_is_taken_from_another_repository(
    supervisor: Supervisor, tmp_path: Path, name: str, plain: Registry
) -> None:
    await made(supervisor, tmp_path, f"{name}/one:1", layer(("mine", os.urandom(100_000))))
    await supervisor.images.push(f"{name}/one:1")
    await supervisor.images.tag(f"{name}/one:1", f"{name}/two:1")
    told: list[Progress] = []
    await supervisor.images.push(f"{name}/two:1", progress=told.append)
    (mounted,) = steps(told, Step.MOUNTED)
    assert f"{plain.host}/{mounted.detail}" == f"{name}/one"
    await removed(supervisor, f"{name}/one:1", f"{name}/two:1")
    assert (await supervisor.images.pull(f"{name}/two:1")).size > 100_000


async def test_in_many_chunks(tmp_short: Path, tmp_path: Path, name: str) -> None:
    async with supervisor_with(tmp_short, impatient(tmp_short, chunk=70_000)) as supervisor:
        before = await made(supervisor, tmp_path, f"{name}:1", *LAYERS, compression="plain")
        await supervisor.images.push(f"{name}:1")
        await removed(supervisor, f"{name}:1")
        assert (await supervisor.images.pull(f"{name}:1")).blobs == before.blobs


async def test_many_pulls_at_once_share_the_work(
    supervisor: Supervisor, tmp_path: Path, name: str, plain: Registry
) -> None:
    image = await made(supervisor, tmp_path, f"{name}:1", *[layer(("x", os.urandom(200_000))) for _ in range(4)])
    await supervisor.images.push(f"{name}:1")
    await supervisor.images.tag(f"{name}:1", f"{name}:2")
    await supervisor.images.push(f"{name}:2")
    await removed(supervisor, f"{name}:1", f"{name}:2")
    lines = len(plain.log().splitlines())
    pulled = await asyncio.gather(*(supervisor.images.pull(f"{name}:{number % 2 + 1}") for number in range(6)))
    assert {each.id for each in pulled} == {image.id}
    asked = [line for line in plain.log().splitlines()[lines:] if '"GET /v2/' in line]
    for each in image.blobs:
        assert len([line for line in asked if f"/blobs/{each.digest}" in line]) == 1, "fetched more than once"


async def test_what_is_not_there(supervisor: Supervisor, name: str) -> None:
    with pytest.raises(ManifestNotFound, match=f"manifest for {name}:1 not found: manifest unknown"):
        await supervisor.images.pull(f"{name}:1")
    with pytest.raises(ImageNotFound):
        await supervisor.images.push(f"{name}:1")
    with pytest.raises(ImageError, match="built-in"):
        await supervisor.images.push("host")
    with pytest.raises(ManifestNotFound):
        await supervisor.registries.tags(name)
    assert Stored.of(supervisor).empty


async def test_what_a_registry_has_is_told_without_bringing_it_in(
    supervisor: Supervisor, tmp_path: Path, name: str
) -> None:
    await made(supervisor, tmp_path, f"{name}:1", LAYERS[1])
    await supervisor.images.tag(f"{name}:1", f"{name}:two")
    digest = await supervisor.images.push(f"{name}:1")
    await supervisor.images.push(f"{name}:two")
    await removed(supervisor, f"{name}:1", f"{name}:two")
    assert sorted(await supervisor.registries.tags(name)) == ["1", "two"]
    found = await supervisor.registries.inspect(f"{name}:1")
    assert (found.descriptor.digest, [str(each) for each in found.platforms]) == (digest, ["linux/amd64"])
    assert await supervisor.registries.referrers(f"{name}:1") == []
    assert Stored.of(supervisor).empty


async def test_referrers_under_a_tag(supervisor: Supervisor, tmp_path: Path, name: str) -> None:
    """docker-registry does not know the question itself: then an index under a tag of the digest answers it."""
    await made(supervisor, tmp_path, f"{name}:1", LAYERS[1])
    digest = await supervisor.images.push(f"{name}:1")
    kind = "application/vnd.oci.image.manifest.v1+json"
    signature = {"mediaType": kind, "digest": digest, "size": 5, "artifactType": "application/x-signature"}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [signature]}
    _, _, path = name.partition("/")
    client = supervisor.images._registries.target(name.partition("/")[0], path, None)
    await client.put_manifest(f"sha256-{digest[7:]}", index["mediaType"], json.dumps(index).encode())  # type: ignore[arg-type]
    (found,) = await supervisor.registries.referrers(f"{name}:1")
    assert (found.digest, found.artifact_type) == (digest, "application/x-signature")
    assert await supervisor.registries.referrers(f"{name}@{digest}", artifact_type="other") == []


def test_blocking(tmp_short: Path, tmp_path: Path, name: str) -> None:
    config = impatient(tmp_short)
    with BlockingSupervisor(tmp_short / "root", tmp_short / "state", registry=config) as supervisor:
        supervisor.images.import_archive(oci_layout(tmp_path / "layout", [LAYERS[1]], f"{name}:1"))
        digest = supervisor.images.push(f"{name}:1")
        supervisor.images.remove(f"{name}:1")
        told: list[Progress] = []
        assert supervisor.images.pull(f"{name}:1", progress=told.append).digests == (f"{name}@{digest}",)
        assert steps(told, Step.DONE)
        assert supervisor.registries.tags(name) == ["1"]


# -- who we are ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(tmp_short: Path) -> Iterator[Registry]:
    with registry(tmp_short / "registry", password=True) as started:
        yield started


async def test_a_password(
    supervisor: Supervisor, tmp_short: Path, tmp_path: Path, locked: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reference = f"{locked.host}/a/b:1"
    await made(supervisor, tmp_path, reference, *LAYERS)
    with pytest.raises(AccessDenied, match=r"401 Unauthorized.*log in first"):
        await supervisor.images.push(reference)
    wrong = Credentials(username=USER, password="wrong-one")
    with pytest.raises(AccessDenied, match="its password is wrong") as caught:
        await supervisor.images.push(reference, auth=wrong)
    with pytest.raises(AccessDenied):
        await supervisor.registries.login(locked.host, wrong)
    await supervisor.registries.login(locked.host, KNOWN)
    await supervisor.images.push(reference, auth=KNOWN)
    await removed(supervisor, reference)
    with pytest.raises(AccessDenied):
        await supervisor.images.pull(reference)
    assert Stored.of(supervisor).empty
    await supervisor.images.pull(reference, auth=KNOWN)
    for text in (caplog.text, str(caught.value), repr(wrong), repr(KNOWN)):
        for secret in (PASSWORD, "wrong-one", KNOWN.basic().split()[1], wrong.basic().split()[1]):
            assert secret not in text


async def test_docker_has_logged_in(supervisor: Supervisor, tmp_short: Path, tmp_path: Path, locked: Registry) -> None:
    reference = f"{locked.host}/a/b:1"
    await made(supervisor, tmp_path, reference, LAYERS[1])
    entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    (tmp_short / "docker.json").write_text(json.dumps({"auths": {locked.host: entry}}))
    await supervisor.images.push(reference)


async def test_a_credential_helper_knows(
    supervisor: Supervisor, tmp_short: Path, tmp_path: Path, locked: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = f"{locked.host}/a/b:1"
    await made(supervisor, tmp_path, reference, LAYERS[1])
    helper = tmp_path / "bin/docker-credential-tests"
    helper.parent.mkdir()
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(
        f"#!/bin/sh\nread name\n[ \"$1 $name\" = 'get {locked.host}' ] || {{ echo not found; exit 1; }}\ncat <<'E'\n{answer}\nE\n"
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    (tmp_short / "docker.json").write_text(json.dumps({"credHelpers": {locked.host: "tests"}}))
    await supervisor.images.push(reference)
    (tmp_short / "docker.json").write_text(json.dumps({"credsStore": "tests"}))
    await supervisor.images.push(reference)
    (tmp_short / "docker.json").write_text(json.dumps({"credsStore": "nowhere"}))
    with pytest.raises(AccessDenied, match="docker-credential-nowhere cannot be run"):
        await supervisor.images.push(reference)
    (tmp_short / "docker.json").write_text(json.dumps({"credsStore": "../x"}))
    with pytest.raises(AccessDenied, match="not the name of a credential helper"):
        await supervisor.images.push(reference)


async def test_tokens(supervisor: Supervisor, tmp_short: Path, tmp_path: Path) -> None:
    with TokenServer(tmp_short / "tokens").serving() as tokens, registry(tmp_short / "r", tokens=tokens) as started:
        reference = f"{started.host}/a/b:1"
        await made(supervisor, tmp_path, reference, *LAYERS)
        with pytest.raises(AccessDenied):
            await supervisor.images.push(reference)
        with pytest.raises(AccessDenied, match="wrong password"):
            await supervisor.images.push(reference, auth=Credentials(username=USER, password="no"))
        tokens.asked.clear()
        await supervisor.images.push(reference, auth=KNOWN)
        assert [each["scopes"] for each in tokens.asked] == ["repository:a/b:pull,push"]
        await supervisor.images.tag(reference, f"{started.host}/c:1")
        told: list[Progress] = []
        await supervisor.images.push(f"{started.host}/c:1", auth=KNOWN, progress=told.append)
        assert len(steps(told, Step.MOUNTED)) == 3
        assert any("repository:a/b:pull" in each["scopes"].split() for each in tokens.asked)
        await removed(supervisor, reference, f"{started.host}/c:1")
        tokens.asked.clear()
        await supervisor.images.pull(reference)
        assert [each["authorized"] for each in tokens.asked] == ["False"], "one token for all that nobody may read"


async def test_a_private_authority(tmp_short: Path, tmp_path: Path) -> None:
    authority = Authority.made(tmp_short / "ca")
    with registry(tmp_short / "registry", authority=authority) as started:
        reference = f"{started.host}/a:1"
        trusted = tmp_short / "certs.d" / started.host
        trusted.mkdir(parents=True)
        config = impatient(tmp_short)
        async with supervisor_with(tmp_short, config) as supervisor:
            await made(supervisor, tmp_path, reference, LAYERS[1])
            with pytest.raises(RegistryRefused, match=f"certificate is not trusted.*certs.d/{started.host}/ca.crt"):
                await supervisor.images.push(reference)
        (trusted / "ca.crt").write_bytes(authority.certificate.read_bytes())
        async with supervisor_with(tmp_short, config) as supervisor:
            await supervisor.images.push(reference)
            await removed(supervisor, reference)
            await supervisor.images.pull(reference)
        subprocess.run(["rm", "-r", str(trusted)], check=True)
        async with supervisor_with(tmp_short, config) as supervisor:  # loopback need not prove who it is
            await supervisor.images.remove(reference)
            await supervisor.images.pull(reference)


async def test_a_name_that_nobody_knows_is_told_at_once(supervisor: Supervisor) -> None:
    """Not tried again: who has mistyped it waits in front of it. One that has answered before is waited for, as in the middle of a pull."""
    with pytest.raises(RegistryUnavailable, match=r"registry\.invalid.*cannot connect.*\(attempt 1\)"):
        await supervisor.images.pull("registry.invalid/app:1")


# -- mirrors ----------------------------------------------------------------------------------------------------------------


async def test_a_mirror_is_asked_first(tmp_short: Path, tmp_path: Path, plain: Registry) -> None:
    mirrors = {"registry.invalid": ("http://127.0.0.1:9", f"http://{plain.host}")}
    async with supervisor_with(tmp_short, impatient(tmp_short, mirrors=mirrors, attempts=1)) as supervisor:
        await made(supervisor, tmp_path, f"{plain.host}/mirrored:1", *LAYERS)
        await supervisor.images.push(f"{plain.host}/mirrored:1")
        await removed(supervisor, f"{plain.host}/mirrored:1")
        image = await supervisor.images.pull("registry.invalid/mirrored:1")
        assert image.references == ("registry.invalid/mirrored:1",)
        with pytest.raises(Exception, match=r"registry\.invalid"):
            await supervisor.images.push("registry.invalid/mirrored:1")


async def test_where_a_mirror_has_nothing_the_registry_is_asked(
    tmp_short: Path, tmp_path: Path, plain: Registry
) -> None:
    with registry(tmp_short / "mirror") as mirror:
        mirrors = {plain.host: (f"http://{mirror.host}",)}
        async with supervisor_with(tmp_short, impatient(tmp_short, mirrors=mirrors)) as supervisor:
            await made(supervisor, tmp_path, f"{plain.host}/unmirrored:1", LAYERS[1])
            await supervisor.images.push(f"{plain.host}/unmirrored:1")
            await removed(supervisor, f"{plain.host}/unmirrored:1")
            await supervisor.images.pull(f"{plain.host}/unmirrored:1")
            await remove_all(supervisor)
        assert "unmirrored" in mirror.log()


def test_which_hosts_need_not_prove_who_they_are() -> None:
    config = RegistryConfig(insecure=("plain.example:5000", "10.0.0.0/8", "nonsense/x"))
    for host in (
        "localhost",
        "localhost:5000",
        "127.0.0.1:1",
        "127.9.9.9",
        "[::1]:5000",
        "plain.example:5000",
        "10.1.2.3:5000",
    ):
        assert config.is_insecure(host), host
    for host in ("plain.example", "docker.io", "11.0.0.1", "localhost.example", "127.0.0.1.example"):
        assert not config.is_insecure(host), host
