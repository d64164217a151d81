"""The real docker CLI pulls, pushes and logs in, with Debian's docker-registry on the other side."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import aiodocker
import docker
import docker.errors
import pytest

from tests.support.leftovers import OWNED
from tests.support.registry import PASSWORD, USER, Authority, Registry, TokenServer, registry
from tests.support.run import RUN

from .conftest import Engine

pytestmark = pytest.mark.peer


@pytest.fixture(scope="session")
def plain() -> Iterator[Registry]:
    """Without passwords."""
    with registry(RUN.short_directory() / "registry") as made:
        OWNED.processes.add(made.process.pid)
        yield made


@pytest.fixture
def locked(tmp_short: Path) -> Iterator[Registry]:
    """With a password."""
    with registry(tmp_short / "registry", password=True) as made:
        yield made


@pytest.fixture
def guarded(tmp_short: Path) -> Iterator[tuple[Registry, TokenServer]]:
    """With a certificate of a private authority, and tokens. The authority's certificate is in the registry's directory."""
    authority = Authority.made(tmp_short / "registry")
    with TokenServer(tmp_short / "tokens", authority=authority).serving() as tokens:
        with registry(tmp_short / "registry", tokens=tokens, authority=authority) as made:
            yield made, tokens


@pytest.fixture
def trusted(guarded: tuple[Registry, TokenServer]) -> Iterator[Path]:
    """Where docker and we look for the authority of this registry. Its port is nobody else's."""
    directory = Path("/etc/docker/certs.d", guarded[0].host)
    directory.mkdir(parents=True)
    yield directory / "ca.crt"
    shutil.rmtree(directory)
    with contextlib.suppress(OSError):  # somebody else has one, too
        directory.parent.rmdir()


@pytest.fixture
def pushed(engine: Engine, plain: Registry) -> Iterator[str]:
    """The name of an image that is in the registry only."""
    name = f"{plain.host}/some/busybox:1"
    engine.ok("tag", "busybox", name)
    engine.ok("push", name)
    engine.ok("rmi", name)
    yield name
    engine.docker("rmi", name)


def test_push_and_pull_show_what_docker_shows(engine: Engine, plain: Registry) -> None:
    name = f"{plain.host}/shown/busybox"
    engine.ok("tag", "busybox", name)
    said = engine.ok("push", name).splitlines()
    assert said[:2] == ["Using default tag: latest", f"The push refers to repository [{name}]"]
    assert re.fullmatch(r"[0-9a-f]{12}: Preparing", said[2])
    assert re.fullmatch(r"[0-9a-f]{12}: (Pushed|Mounted from some/busybox)", said[-2])
    match = re.fullmatch(r"latest: digest: (sha256:[0-9a-f]{64}) size: \d+", said[-1])
    assert match is not None
    again = engine.ok("push", name).splitlines()
    assert again[-2].endswith(": Layer already exists")
    assert again[-1] == said[-1]
    digests = json.loads(engine.ok("inspect", "-f", "{{json .RepoDigests}}", name))
    assert f"{name}@{match[1]}" in digests
    engine.ok("rmi", name)
    said = engine.ok("pull", name).splitlines()
    assert said[0] == "Using default tag: latest"
    assert said[1] == "latest: Pulling from shown/busybox"
    assert said[-3:] == [f"Digest: {match[1]}", f"Status: Downloaded newer image for {name}:latest", f"{name}:latest"]
    assert engine.ok("pull", name).splitlines()[-2] == f"Status: Image is up to date for {name}:latest"
    assert engine.ok("run", "--rm", "--network", "none", name, "echo", "alive") == "alive"
    engine.ok("rmi", name)


def test_by_digest(engine: Engine, pushed: str) -> None:
    digest = re.search(r"sha256:[0-9a-f]{64}", engine.ok("pull", pushed))
    assert digest is not None
    engine.ok("rmi", pushed)
    name = f"{pushed.rpartition(':')[0]}@{digest[0]}"
    assert engine.ok("pull", "-q", name) == name
    assert engine.ok("run", "--rm", "--network", "none", name, "echo", "alive") == "alive"
    assert json.loads(engine.ok("inspect", "-f", "{{json .RepoTags}}", name)) in ([], ["busybox:latest"])
    engine.ok("rmi", name)


def test_run_pulls_what_is_missing(engine: Engine, pushed: str) -> None:
    ran = engine.docker("run", "--rm", "--network", "none", pushed, "echo", "alive")
    assert (ran.returncode, ran.stdout) == (0, "alive\n")
    assert f"Unable to find image '{pushed}' locally" in ran.stderr
    assert f"Status: Downloaded newer image for {pushed}" in ran.stderr


def test_all_tags(engine: Engine, plain: Registry) -> None:
    name = f"{plain.host}/all/busybox"
    for tag in ("a", "b"):
        engine.ok("tag", "busybox", f"{name}:{tag}")
    engine.ok("push", "--all-tags", name)
    engine.ok("rmi", f"{name}:a", f"{name}:b")
    engine.ok("pull", "--all-tags", name)
    assert set(engine.ok("images", "--format", "{{.Tag}}", name).split()) == {"a", "b"}
    engine.ok("rmi", f"{name}:a", f"{name}:b")


def test_what_is_not_there(engine: Engine, plain: Registry) -> None:
    missing = engine.docker("pull", f"{plain.host}/no/such:1")
    assert missing.returncode == 1
    assert f"manifest for {plain.host}/no/such:1 not found: manifest unknown" in missing.stderr
    unknown = engine.docker("push", f"{plain.host}/no/such:1")
    assert unknown.returncode == 1
    assert f"An image does not exist locally with the tag: {plain.host}/no/such" in unknown.stdout + unknown.stderr
    nobody = engine.docker("pull", "127.0.0.1:9/x", timeout=120)
    assert nobody.returncode == 1
    assert "connection refused" in nobody.stderr.lower()


def test_login(engine: Engine, locked: Registry) -> None:
    name = f"{locked.host}/own:1"
    engine.ok("tag", "busybox", name)
    denied = engine.docker("push", name)
    assert denied.returncode == 1
    assert "no basic auth credentials" in denied.stderr + denied.stdout or "401" in denied.stderr + denied.stdout
    wrong = engine.docker("login", "-u", USER, "--password-stdin", locked.host, stdin="wrong")
    assert wrong.returncode == 1
    assert "401" in wrong.stderr
    assert "Login Succeeded" in engine.ok("login", "-u", USER, "--password-stdin", locked.host, stdin=PASSWORD)
    engine.ok("push", name)
    engine.ok("rmi", name)
    engine.ok("pull", name)
    engine.ok("rmi", name)
    engine.ok("logout", locked.host)
    denied = engine.docker("pull", name)
    assert denied.returncode == 1
    assert "no basic auth credentials" in denied.stderr or "docker login" in denied.stderr


def test_a_private_authority_and_tokens(
    engine: Engine, guarded: tuple[Registry, TokenServer], trusted: Path, tmp_path: Path
) -> None:
    """What the daemon believes is looked up for each request; who may push is the token server's to say."""
    made, tokens = guarded
    name = f"{made.host}/guarded/busybox:1"
    engine.ok("tag", "busybox", name)
    trusted.write_bytes(Authority.made(tmp_path / "other").certificate.read_bytes())
    refused = engine.docker("login", "-u", USER, "--password-stdin", made.host, stdin=PASSWORD)
    assert refused.returncode == 1
    assert "certificate" in refused.stderr
    trusted.write_bytes((made.directory / "ca.crt").read_bytes())
    denied = engine.docker("push", name)
    assert denied.returncode == 1
    wrong = engine.docker("login", "-u", USER, "--password-stdin", made.host, stdin="wrong")
    assert wrong.returncode == 1
    assert "401" in wrong.stderr
    assert "Login Succeeded" in engine.ok("login", "-u", USER, "--password-stdin", made.host, stdin=PASSWORD)
    engine.ok("push", name)
    engine.ok("rmi", name)
    engine.ok("logout", made.host)
    tokens.asked.clear()
    engine.ok("pull", name)  # which nobody has to be known for, but ask for
    assert {(each["scopes"], each["authorized"]) for each in tokens.asked} == {
        ("repository:guarded/busybox:pull", "False")
    }
    assert engine.ok("run", "--rm", "--network", "none", name, "echo", "alive") == "alive"
    engine.ok("rmi", name)


def test_removal_and_pruning_take_the_digests_along(engine: Engine, plain: Registry, busybox_tar: Path) -> None:
    name = f"{plain.host}/own/image:1"
    for remove in (["rmi", name], ["image", "prune", "--all", "--force", "--filter", "label=own=image"]):
        engine.ok("import", "-c", "LABEL own=image", "-m", remove[0], str(busybox_tar), name)
        image = engine.ok("inspect", "-f", "{{.Id}}", name)
        said = engine.ok("push", name)
        digest = re.findall(r"sha256:[0-9a-f]{64}", said)[-1]
        gone = engine.ok(*remove).splitlines()
        assert f"untagged: {name}" in [line.lower() for line in gone]
        assert any(line.lower() == f"untagged: {name.removesuffix(':1')}@{digest}" for line in gone)
        assert any(line.lower() == f"deleted: {image}" for line in gone)
        assert engine.docker("inspect", image).returncode == 1


def test_docker_py_and_aiodocker(engine: Engine, pushed: str, locked: Registry) -> None:
    client = docker.DockerClient(base_url=engine.host)
    try:
        repository, _, tag = pushed.rpartition(":")
        image = client.images.pull(repository, tag=tag)
        assert pushed in image.tags
        found = client.images.get_registry_data(pushed)
        assert found.has_platform("linux/amd64")
        assert f"{repository}@{found.id}" in image.attrs["RepoDigests"]
        own = f"{locked.host}/py"
        image.tag(own, tag="1")
        refused = [line for line in client.images.push(own, tag="1", stream=True, decode=True) if "error" in line]
        assert refused
        known = {"username": USER, "password": PASSWORD}
        said = list(client.images.push(own, tag="1", auth_config=known, stream=True, decode=True))
        assert [line["aux"]["Tag"] for line in said if "aux" in line] == ["1"]
        assert not [line for line in said if "error" in line]
        with pytest.raises(docker.errors.NotFound):
            client.images.pull(repository, tag="missing")
        with pytest.raises(docker.errors.APIError):
            client.login(USER, "wrong", registry=f"http://{locked.host}")
        assert (
            client.login(USER, PASSWORD, registry=f"http://{locked.host}", reauth=True)["Status"] == "Login Succeeded"
        )
        engine.ok("rmi", f"{own}:1")
    finally:
        client.close()
    asyncio.run(_with_aiodocker(engine, pushed))


async def _with_aiodocker(engine: Engine, name: str) -> None:
    client = aiodocker.Docker(url=engine.host)
    try:
        said = await client.images.pull(name)
        assert said[-1]["status"] == f"Status: Image is up to date for {name}"
    finally:
        await client.close()


def test_the_manifest_is_the_registrys(engine: Engine, pushed: str) -> None:
    """buildx and compose ask the daemon what a name stands for."""
    import http.client
    import socket
    from urllib.parse import quote

    connection = http.client.HTTPConnection("docker")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(engine.host.removeprefix("unix://"))
        connection.request("GET", f"/distribution/{quote(pushed, safe='')}/json")
        answer = connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 200, found
    finally:
        connection.close()
    assert found["Descriptor"]["digest"].startswith("sha256:")
    assert [(each["os"], each["architecture"]) for each in found["Platforms"]] == [("linux", "amd64")]
