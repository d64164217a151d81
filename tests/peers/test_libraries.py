"""Programs written for docker in Python: docker-py and aiodocker."""

from __future__ import annotations

import asyncio
from typing import Any

import aiodocker
import docker
import pytest
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

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
