"""Many of everything in a row and at once: the daemon holds no more in the end than it held at the beginning."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.support.leftovers import OWNED

from .conftest import Engine

EXECS = 300
FOLLOWERS = 100
GROWTH = 8 << 20
"""Bytes of memory that may be for caches and the allocator's own reasons."""


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


def held(client: Any, pid: int) -> dict[str, int]:
    """Descriptors, tasks of the event loop, and bytes of memory."""
    info = client.info()
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
    before = held(client, pid)
    run(EXECS)
    after = settled(lambda: held(client, pid), before)
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
    before = held(client, pid)
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
    after = settled(lambda: held(client, pid), before)
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
