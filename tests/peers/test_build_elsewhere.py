"""Builds that take something from elsewhere: files, archives, contexts and repositories, from a server on loopback."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient

from .conftest import Engine
from .test_build import build, built, context, says


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory, and its address."""
    directory = tmp_path / "served"
    directory.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield directory, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_files(engine: Engine, served: tuple[Path, str], tmp_path: Path) -> None:
    directory, address = served
    (directory / "file").write_text("content")
    digest = hashlib.sha256(b"content").hexdigest()
    text = f"FROM busybox\nADD --checksum=sha256:{digest} {address}/file /d/\nADD --chmod=644 {address}/file /x\n"
    built(engine, context(tmp_path / "c", text), "-t", "fetched")
    assert says(engine, "fetched", "stat", "-c", "%a %n", "/d/file", "/x") == "600 /d/file\n644 /x"
    assert built(engine, tmp_path / "c").count("Using cache") == 2
    (directory / "file").write_text("other")
    failed = build(engine, tmp_path / "c")
    assert (failed.returncode, "digest mismatch: expected sha256:" in failed.stderr) == (1, True), failed.stderr
    failed = build(engine, context(tmp_path / "c", f"FROM busybox\nADD {address}/nothing /d/\n"))
    assert (failed.returncode, "/nothing: 404" in failed.stderr) == (1, True), failed.stderr
    engine.ok("rmi", "fetched")


def test_contexts(engine: Engine, served: tuple[Path, str], tmp_path: Path) -> None:
    directory, address = served
    context(tmp_path / "c", "FROM scratch\nCOPY x /\n", {"x": "y"})
    subprocess.run(["tar", "-czf", directory / "c.tar.gz", "-C", tmp_path / "c", "."], check=True)
    (directory / "Dockerfile.txt").write_text("FROM busybox\nLABEL remote=yes\n")
    with contextlib.closing(APIClient(engine.host)) as client:
        for name in ("c.tar.gz", "Dockerfile.txt"):
            with client.post(client._url("/build"), params={"remote": f"{address}/{name}"}) as reply:
                assert "Successfully built" in reply.text
        with client.post(client._url("/build"), params={"remote": "/etc"}) as reply:
            assert (reply.status_code, "invalid remote context" in reply.text) == (400, True)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """The address of one that a git server on loopback has."""
    work = context(tmp_path / "work", "FROM scratch\nCOPY x /\n", {"x": "y", "sub/z": "z"})
    identity = ("-c", "user.name=me", "-c", "user.email=me@there")
    for words in (
        ("git", "-C", work, "init", "-q", "-b", "main"),
        ("git", "-C", work, "add", "."),
        ("git", "-C", work, *identity, "commit", "-q", "-m", "first"),
        ("git", "clone", "-q", "--bare", work, tmp_path / "r.git"),
    ):
        subprocess.run(words, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exec_path = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    listening = ["--listen=127.0.0.1", f"--port={port}", "--reuseaddr", "--export-all", f"--base-path={tmp_path}"]
    with subprocess.Popen([f"{exec_path}/git-daemon", *listening], stdin=subprocess.DEVNULL) as server:
        try:
            wait_until_open(port)
            yield f"git://127.0.0.1:{port}/r.git"
        finally:
            server.terminate()


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_repositories(engine: Engine, repository: str, tmp_path: Path) -> None:
    text = f"FROM busybox\nADD {repository}#main:sub /s/\nADD --keep-git-dir {repository} /all/\n"
    built(engine, context(tmp_path / "c", text), "-t", "cloned")
    assert says(engine, "cloned", "ls", "-A", "/s").split() == ["z"]
    assert set(says(engine, "cloned", "ls", "-A", "/all").split()) == {".git", "Dockerfile", "sub", "x"}
    with contextlib.closing(APIClient(engine.host)) as client:
        with client.post(client._url("/build"), params={"remote": f"{repository}#main"}) as reply:
            assert "Successfully built" in reply.text
    failed = build(engine, context(tmp_path / "c", f"FROM busybox\nADD {repository}#nothing /s/\n"))
    assert (failed.returncode, "git fetch: fatal:" in failed.stderr) == (1, True), failed.stderr
    engine.ok("rmi", "cloned")
