"""Many of everything in a row and at once: the daemon holds no more in the end than it held at the beginning.

``PYDOCKERD_ENDURANCE`` multiplies the numbers of the suite: by 4 they are a thousand execs (``nox -s endurance``).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.leftovers import OWNED

from .conftest import Engine
from .raw import ask

TIMES = int(os.environ.get("PYDOCKERD_ENDURANCE", "1"))
EXECS = 250 * TIMES
FOLLOWERS = 100
"""Of logs, and as many of events."""
GROWTH = (8 << 20) + EXECS * (10 << 10)
"""Bytes of memory that may be for caches and the allocator's own reasons, and for the execs, which can be asked for their exit codes for five minutes."""


@pytest.fixture
def client(engine: Engine) -> Any:
    made = docker.DockerClient(base_url=engine.host)
    yield made
    made.close()


def daemon_pid(engine: Engine) -> int:
    """The process of the engine under test."""
    wanted = engine.host.encode()
    found = [pid for pid in OWNED.processes if wanted in read(Path(f"/proc/{pid}/cmdline")).split(b"\0")]
    assert len(found) == 1, found
    return found[0]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def held(engine: Engine, pid: int) -> dict[str, int]:
    """Descriptors, tasks of the event loop, and bytes of memory."""
    info = json.loads(ask(engine, "GET", "/info")[1])
    resident = int(read(Path(f"/proc/{pid}/statm")).split()[1]) * 4096
    return {"descriptors": info["NFd"], "tasks": info["NGoroutines"], "memory": resident}


def settled(look: Callable[[], dict[str, int]], before: dict[str, int]) -> dict[str, int]:
    """What is held once all connections that were closed are gone, or after five seconds."""
    deadline = time.monotonic() + 5
    while True:
        now = look()
        if now["descriptors"] <= before["descriptors"] and now["tasks"] <= before["tasks"]:
            return now
        if time.monotonic() > deadline:
            return now
        time.sleep(0.1)


def test_execs_in_a_row_leave_nothing_in_the_daemon(engine: Engine, client: Any) -> None:
    pid = daemon_pid(engine)
    container = client.containers.run("busybox", ["sleep", "300"], network_mode="none", detach=True)

    def run(count: int) -> None:
        for number in range(count):
            code, output = container.exec_run(["echo", str(number)])
            assert (code, output) == (0, f"{number}\n".encode())

    run(20)
    before = held(engine, pid)
    run(EXECS)
    after = settled(lambda: held(engine, pid), before)
    print(f"\n{EXECS} execs: {before} -> {after}")
    assert after["descriptors"] <= before["descriptors"]
    assert after["tasks"] <= before["tasks"]
    assert after["memory"] <= before["memory"] + GROWTH
    container.remove(force=True)


def test_followers_of_logs_and_events_at_once(engine: Engine, client: Any) -> None:
    pid = daemon_pid(engine)
    script = "read line; for i in $(seq 50); do echo line $i; done; read line"
    container = client.containers.run(
        "busybox", ["sh", "-c", script], network_mode="none", detach=True, stdin_open=True, name="spoken"
    )
    before = held(engine, pid)
    with ExitStack() as stack:
        logs = [follow(engine, stack, "/v1.50/containers/spoken/logs?follow=1&stdout=1") for _ in range(FOLLOWERS)]
        filters = json.dumps({"container": ["spoken"], "event": ["die"]})
        events = [follow(engine, stack, f"/v1.50/events?filters={filters}") for _ in range(FOLLOWERS)]
        stdin = follow(engine, stack, "/v1.50/containers/spoken/attach?stdin=1&stream=1", method="POST")
        read_until(stdin, b"\r\n\r\n")
        stdin.sendall(b"go\n")
        for follower in logs:
            read_until(follower, b"line 50\n")
        stdin.sendall(b"end\n")
        for follower in events:
            read_until(follower, b'"Action":"die"')
        for follower in logs:
            read_until(follower, None)
    after = settled(lambda: held(engine, pid), before)
    print(f"\n{2 * FOLLOWERS} followers: {before} -> {after}")
    assert after["descriptors"] <= before["descriptors"]
    assert after["tasks"] <= before["tasks"]
    container.remove(force=True)


def follow(engine: Engine, stack: ExitStack, path: str, method: str = "GET") -> socket.socket:
    """A connection on which an endless answer has begun."""
    connection = stack.enter_context(socket.socket(socket.AF_UNIX))
    connection.settimeout(30)
    connection.connect(engine.host.removeprefix("unix://"))
    connection.sendall(
        f"{method} {path.replace(' ', '')} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode()
    )
    return connection


def read_until(connection: socket.socket, mark: bytes | None) -> None:
    """Read until the bytes come, or with None to the end."""
    seen = b""
    while mark is None or mark not in seen:
        part = connection.recv(65536)
        if not part:
            assert mark is None, seen[-500:]
            return
        seen = (seen + part)[-65536:]


def test_a_crowd(engine: Engine) -> None:
    """The short form of `python -m benchmarks.scale`, which does it with 500 that run and 2,000 that have ended."""
    running, ended = 20 * TIMES, 60 * TIMES
    before = held(engine, daemon_pid(engine))

    def make(number: int) -> str:
        command = ["sleep", "300"] if number < running else ["true"]
        labels = {"tier": "front" if number % 2 else "back"}
        body = {"Image": "busybox", "Cmd": command, "Labels": labels, "HostConfig": {"NetworkMode": "none"}}
        status, text = ask(engine, "POST", f"/containers/create?name=crowd-{number}", body)
        assert status == 201, text
        identity = str(json.loads(text)["Id"])
        assert ask(engine, "POST", f"/containers/{identity}/start")[0] == 204
        if number >= running:
            assert ask(engine, "POST", f"/containers/{identity}/wait")[0] == 200
        return identity

    def listed(query: str) -> set[str]:
        return {each["Id"] for each in json.loads(ask(engine, "GET", f"/containers/json{query}")[1])}

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(running + ended)))
        started = time.monotonic()
        assert listed("?all=1") == set(made)
        print(f"\na list of {len(made)}: {(time.monotonic() - started) * 1000:.0f} ms")
        assert listed("") == set(made[:running])
        assert listed('?all=1&filters={"label":["tier=front"]}'.replace('"', "%22")) == set(made[1::2])
        assert len(listed("?limit=7")) == 7
        removed = pool.map(lambda each: ask(engine, "DELETE", f"/containers/{each}?force=1")[0], made)
        assert set(removed) == {204}
    assert listed("?all=1") == set()
    after = settled(lambda: held(engine, daemon_pid(engine)), before)
    assert after["descriptors"] <= before["descriptors"], (before, after)
    assert after["tasks"] <= before["tasks"], (before, after)
