"""Programs written for docker in Python: docker-py and aiodocker."""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
from typing import Any

import aiodocker
import docker
import pytest
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

from tests.support.index import index

from .conftest import Engine

COMMAND = ["sh", "-c", "echo out; echo err >&2; exit 3"]


@pytest.fixture
def client(engine: Engine) -> Any:
    made = docker.DockerClient(base_url=engine.host)
    yield made
    made.close()


def test_docker_py_runs_and_looks_back(client: Any) -> None:
    assert client.containers.run("busybox", ["echo", "hello"], network_mode="none", remove=True) == b"hello\n"
    container = client.containers.run(
        "busybox", COMMAND, network_mode="none", detach=True, name="looked", labels={"a": "b"}
    )
    assert container.wait()["StatusCode"] == 3
    assert container.logs(stdout=True, stderr=False) == b"out\n"
    assert container.logs(stdout=False, stderr=True) == b"err\n"
    container.reload()
    assert (container.status, container.labels, container.attrs["State"]["ExitCode"]) == ("exited", {"a": "b"}, 3)
    assert [found.name for found in client.containers.list(all=True, filters={"label": "a=b"})] == ["looked"]
    container.remove()
    with pytest.raises(NotFound):
        client.containers.get("looked")


def test_docker_py_execs_and_stops(client: Any) -> None:
    container = client.containers.run("busybox", ["sleep", "300"], network_mode="none", detach=True)
    code, (out, err) = container.exec_run(COMMAND, demux=True)
    assert (code, out, err) == (3, b"out\n", b"err\n")
    assert container.exec_run("id -u", user="daemon").output == b"1\n"
    assert any("sleep 300" in " ".join(row) for row in container.top()["Processes"])
    assert container.stats(stream=False)["pids_stats"]["current"] == 1
    container.stop(timeout=0)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 137
    container.remove()


def test_docker_py_is_told_what_went_wrong(client: Any) -> None:
    with pytest.raises(ImageNotFound):
        client.images.get("no-such-image")
    with pytest.raises(ContainerError) as failed:
        client.containers.run("busybox", COMMAND, network_mode="none", remove=True, stderr=True)
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"err\n")
    with pytest.raises(APIError, match="executable file not found"):
        client.containers.run("busybox", ["no-such-command"], network_mode="none", remove=True)


def test_docker_py_follows_events(client: Any) -> None:
    events = client.events(decode=True, filters={"type": "container", "event": ["create", "start", "die"]})
    client.containers.run("busybox", ["true"], network_mode="none", remove=True, name="noticed")
    seen = [next(events) for _ in range(3)]
    events.close()
    assert [event["Action"] for event in seen] == ["create", "start", "die"]
    assert {event["Actor"]["Attributes"]["name"] for event in seen} == {"noticed"}


async def test_aiodocker_attaches_and_waits(engine: Engine) -> None:
    config: dict[str, Any] = {
        "Image": "busybox", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True,
        "AttachStdin": True, "AttachStdout": True, "HostConfig": {"NetworkMode": "none"},
    }  # fmt: skip
    async with aiodocker.Docker(url=engine.host) as client:
        container = await client.containers.create(config, name="cat")
        stream = container.attach(stdin=True, stdout=True, stderr=True)
        async with stream, asyncio.timeout(30):
            await container.start()
            await stream.write_in(b"meow\n")
            message = await stream.read_out()
        assert message is not None
        assert message.data == b"meow\n"
        assert (await container.wait())["StatusCode"] == 0
        await container.delete()


def test_docker_py_goes_through_a_container_s_life(client: Any) -> None:
    container = client.containers.create("busybox", ["sleep", "300"], network_mode="none", name="lives")
    container.start()
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("renamed")
    container.update(mem_limit="64m", memswap_limit="64m")
    container.restart(timeout=0)
    container.reload()
    assert (container.name, container.status, container.attrs["HostConfig"]["Memory"]) == (
        "renamed",
        "running",
        64 << 20,
    )
    container.exec_run(["sh", "-c", "echo new > /new"])
    assert {"Path": "/new", "Kind": 1} in container.diff()
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as archive:
        assert "new" in archive.getnames()
    container.kill()
    assert container.wait()["StatusCode"] == 137
    assert client.containers.prune()["ContainersDeleted"] == [container.id]


def test_docker_py_attaches_and_follows(client: Any) -> None:
    container = client.containers.create("busybox", ["sh", "-c", "echo one; echo two"], network_mode="none")
    container.start()
    followed = container.logs(stream=True, follow=True)
    assert b"".join(followed) == b"one\ntwo\n"
    followed.close()
    assert container.attach(logs=True) == b"one\ntwo\n"
    assert container.logs(tail=1) == b"two\n"
    stamped = container.logs(timestamps=True).splitlines()
    assert all(line.startswith(b"20") for line in stamped)
    container.wait()  # its output may end before it does
    container.remove()


def test_docker_py_and_images(client: Any) -> None:
    image = client.images.get("busybox")
    assert image.tag("copied", "1")
    assert {"busybox:latest", "copied:1"} <= set(client.images.get(image.id).tags)
    saved = b"".join(client.images.get("copied:1").save(named="copied:1"))
    client.images.remove("copied:1")
    (loaded,) = client.images.load(saved)
    assert (loaded.id, "copied:1" in loaded.tags) == (image.id, True)
    assert image.id in {found.id for found in client.images.list(filters={"reference": "copied"})}
    assert image.history()[0]["Id"].startswith("sha256:")
    client.images.remove("copied:1")
    assert client.images.prune()["SpaceReclaimed"] >= 0
    with index() as host:
        assert [found["name"] for found in client.images.search(f"{host}/busy")] == ["busybox", "someone/busybox"]


def test_docker_py_asks_about_the_engine(client: Any) -> None:
    assert client.ping()
    assert client.version()["Os"] == "linux"
    assert client.info()["OSType"] == "linux"
    assert {"Containers", "Images"} <= {
        name.removesuffix("Usage") + "s" * name.endswith("Usage") for name in client.df()
    }


async def test_aiodocker_goes_through_a_container_s_life(engine: Engine) -> None:
    config: dict[str, Any] = {
        "Image": "busybox",
        "Cmd": ["sh", "-c", "echo said; exec sleep 300"],
        "HostConfig": {"NetworkMode": "none"},
    }
    async with aiodocker.Docker(url=engine.host) as client, asyncio.timeout(60):
        assert (await client.version())["Os"] == "linux"
        container = await client.containers.run(config, name="aio")
        assert [found["Names"] for found in await client.containers.list()] == [["/aio"]]
        async for line in container.log(stdout=True, follow=True):
            assert line == "said\n"
            break
        execution = await container.exec(["sh", "-c", "echo inside; exit 4"])
        async with execution.start() as stream:
            said = b""
            while (message := await stream.read_out()) is not None:
                said += message.data
        assert said == b"inside\n"
        assert (await execution.inspect())["ExitCode"] == 4
        await container.put_archive("/", tarred("put", b"by hand"))  # type: ignore[no-untyped-call]
        taken = await container.get_archive("/put")
        with taken as archive:
            assert archive.getnames() == ["put"]
        await container.pause()
        await container.unpause()
        await container.rename("renamed")
        assert (await container.stats(stream=False))[0]["pids_stats"]["current"] >= 1
        await container.restart(timeout=0)
        await container.kill()
        assert (await container.wait())["StatusCode"] == 137
        await container.delete()
        with pytest.raises(aiodocker.DockerError) as gone:
            await client.containers.get("renamed")
        assert gone.value.status == 404


async def test_aiodocker_and_images_and_events(engine: Engine) -> None:
    async with aiodocker.Docker(url=engine.host) as client, asyncio.timeout(60):
        events = client.events.subscribe()  # type: ignore[no-untyped-call]
        await client.images.tag("busybox", "aio", tag="1")
        image = await client.images.inspect("aio:1")
        assert image["Id"] in {found["Id"] for found in await client.images.list()}
        assert await client.images.history("aio:1")
        await client.images.delete("aio:1")
        event = None
        while event is None:  # it says nowhere that it has begun to listen
            await client.images.tag("busybox", "aio", tag="2")
            await client.images.delete("aio:2")
            with contextlib.suppress(TimeoutError):
                event = await asyncio.wait_for(events.get(), 0.5)
        assert (event["Type"], event["Action"] in {"tag", "untag"}) == ("image", True)


def tarred(name: str, data: bytes) -> bytes:
    """A tar of one file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()
