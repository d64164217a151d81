"""Clients that send half of a request, or far too much, or go in the middle of an answer: the daemon is none the worse for it."""

from __future__ import annotations

import http.server
import io
import json
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .conftest import Engine
from .raw import ask, head, until, wire
from .test_endurance import daemon_pid, held, settled

HUGE = 100 << 20
GROWTH = 40 << 20
"""Bytes of memory that may be in use after a body of a hundred megabytes, which nobody has asked for."""
TIMES = 20


@pytest.fixture(scope="module")
def used(running_engine: Engine) -> None:
    """What is opened for the first container stays open."""
    running_engine.ok("run", "--rm", "--network", "none", "busybox", "true")


@pytest.fixture
def unharmed(engine: Engine, used: None) -> Iterator[Engine]:
    """The engine, which is looked at afterwards: it answers, and holds no more than before."""
    ask(engine, "GET", "/containers/json")
    log = engine.directory / "log"
    before, written = held(engine, daemon_pid(engine)), log.stat().st_size
    yield engine
    engine.remove_containers()
    assert ask(engine, "GET", "/_ping") == (200, b"OK")
    after = settled(lambda: held(engine, daemon_pid(engine)), before)
    print(f"\n{before} -> {after}")
    assert after["descriptors"] <= before["descriptors"], (before, after)
    assert after["tasks"] <= before["tasks"], (before, after)
    assert after["memory"] <= before["memory"] + GROWTH, (before, after)
    assert "Traceback" not in log.read_bytes()[written:].decode()


BODY = json.dumps({"Image": "busybox", "HostConfig": {"NetworkMode": "none"}}).encode()
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET",
        b"GET /containers/json HTTP/1.1\r\nHos",
        head("POST", "/containers/create", JSON, f"Content-Length: {len(BODY)}"),
        head("POST", "/containers/create", JSON, f"Content-Length: {len(BODY)}") + BODY[:20],
        head("POST", "/containers/create", JSON, "Transfer-Encoding: chunked") + b'5\r\n{"Ima',
        head("POST", "/images/load", "Content-Type: application/x-tar", "Content-Length: 1000000") + bytes(512),
        head("PUT", "/containers/stays/archive?path=/", "Content-Length: 100000") + bytes(512),
        head("POST", "/images/create?fromSrc=-&repo=half", "Transfer-Encoding: chunked") + b"200\r\n" + bytes(512),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS, to a socket that speaks none
        b"GET /_ping HTTP/9.9\r\n\r\n",
    ],
    ids=[
        "nothing",
        "word",
        "head",
        "no-body",
        "half-body",
        "half-chunk",
        "load",
        "archive",
        "import",
        "tls",
        "version",
    ],
)
def test_half_a_request(unharmed: Engine, half: bytes) -> None:
    unharmed.ok("run", "-d", "--name", "stays", "--network", "none", "busybox", "sleep", "300")
    for _ in range(TIMES):
        with wire(unharmed) as connection:
            connection.sendall(half)
    with wire(unharmed) as waiting:  # and one that stays, and says no more
        waiting.sendall(half)
        assert ask(unharmed, "GET", "/_ping") == (200, b"OK")
    assert unharmed.ok("ps", "-a", "--format", "{{.Names}}") == "stays"
    assert unharmed.ok("images", "-q", "half") == ""


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("POST", "/containers/create", {400}),
        ("POST", "/containers/stays/exec", {400}),
        ("POST", "/auth", {400}),
        ("POST", "/containers/stays/pause", {204}),
        ("GET", "/containers/json", {200}),
        ("GET", "/no/such/path", {404}),
        ("DELETE", "/containers/nobody", {404}),
    ],
)
def test_a_hundred_megabytes_where_none_are_expected(
    unharmed: Engine, method: str, path: str, statuses: set[int]
) -> None:
    unharmed.ok("run", "-d", "--name", "stays", "--network", "none", "busybox", "sleep", "300")
    with wire(unharmed) as connection:
        connection.sendall(head(method, path, JSON, f"Content-Length: {HUGE}", "Connection: close"))
        sender = threading.Thread(target=send_until_it_is_refused, args=(connection,))
        sender.start()
        answer = until(connection, b"\r\n\r\n")
        connection.shutdown(socket.SHUT_RDWR)
        sender.join(60)
    assert int(answer.split()[1]) in statuses, answer


def send_until_it_is_refused(connection: socket.socket) -> None:
    piece, sent = b" " * (1 << 20), 0
    try:
        while sent < HUGE:
            sent += connection.send(piece)
    except OSError:
        return  # the daemon, or the test, has closed the connection


CHATTY = ("busybox", "sh", "-c", "while :; do echo a line of some length, again and again; done")


@pytest.mark.parametrize(
    ("method", "path", "mark"),
    [
        ("GET", "/containers/talks/logs?stdout=1&follow=1", b"a line"),
        ("POST", "/containers/talks/attach?stream=1&stdout=1", b"a line"),
        ("POST", "/containers/talks/attach?stream=1&stdout=1&logs=1&stdin=1", b"a line"),
        ("GET", "/containers/talks/stats", b"pids_stats"),
        ("GET", "/events?since=1", b"Action"),
        ("POST", "/containers/talks/wait", b"\r\n\r\n"),
        ("GET", "/containers/talks/export", b"ustar"),
        ("GET", "/containers/talks/archive?path=/bin", b"ustar"),
        ("GET", "/images/busybox/get", b"\r\n\r\n"),
    ],
)
def test_gone_in_the_middle_of_an_answer(unharmed: Engine, method: str, path: str, mark: bytes) -> None:
    unharmed.ok("run", "-d", "--name", "talks", "--network", "none", *CHATTY)
    for _ in range(TIMES):
        with wire(unharmed) as connection:
            connection.sendall(head(method, path))
            until(connection, mark)
    assert unharmed.ok("inspect", "-f", "{{.State.Status}}", "talks") == "running"


def test_gone_in_the_middle_of_an_exec(unharmed: Engine) -> None:
    unharmed.ok("run", "-d", "--name", "stays", "--network", "none", "busybox", "sleep", "300")
    for _ in range(TIMES):
        asked = {"Cmd": ["yes"], "AttachStdout": True}
        identity = json.loads(ask(unharmed, "POST", "/containers/stays/exec", asked)[1])["Id"]
        with wire(unharmed) as connection:
            connection.sendall(head("POST", f"/exec/{identity}/start", JSON, "Content-Length: 2") + b"{}")
            until(connection, b"y\ny\n")
    # the command goes on, as docker has it; it ends with its container
    assert unharmed.ok("exec", "stays", "echo", "fine") == "fine"


def test_gone_in_the_middle_of_an_upload(unharmed: Engine) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("big")
        entry.size = 4 << 20
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    data = stream.getvalue()
    unharmed.ok("run", "-d", "--name", "stays", "--network", "none", "busybox", "sleep", "300")
    for method, path in (
        ("PUT", "/containers/stays/archive?path=/tmp-of-it"),
        ("PUT", "/containers/stays/archive?path=/etc"),
        ("POST", "/images/load"),
        ("POST", "/images/create?fromSrc=-&repo=half"),
        ("POST", "/build?t=half"),
    ):
        for _ in range(5):
            with wire(unharmed) as connection:
                connection.sendall(
                    head(method, path, "Content-Type: application/x-tar", f"Content-Length: {len(data)}")
                )
                connection.sendall(data[: len(data) // 2])
    assert unharmed.ok("images", "-q", "half") == ""
    assert "big" not in unharmed.ok("exec", "stays", "ls", "/etc")


@contextmanager
def stalled() -> Iterator[tuple[str, Callable[[], int]]]:
    """A registry whose answers never come to their end; its address, and how many have asked it."""
    release, asked = threading.Event(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/v2/":
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"{")
                self.wfile.flush()
                release.wait(60)
                return
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", lambda: len(asked)
        finally:
            release.set()
            server.shutdown()
            thread.join()


def test_gone_in_the_middle_of_a_pull(unharmed: Engine) -> None:
    with stalled() as (host, asked):
        for number in range(5):
            with wire(unharmed) as connection:
                connection.sendall(head("POST", f"/images/create?fromImage={host}/never&tag={number}"))
                unharmed.until(lambda number=number: asked() > number)  # type: ignore[misc]
        before = held(unharmed, daemon_pid(unharmed))
        assert before["tasks"] >= 0
    assert unharmed.ok("images", "-q", f"{host}/never") == ""
