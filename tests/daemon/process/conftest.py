"""Daemons that are started as a test wants them, and what is asked of them without a client."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from attrs import frozen

from tests.support.answers import ANSWERS
from tests.support.daemon import Daemon, UnixConnection
from tests.support.leftovers import OWNED


@frozen
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def ask(daemon: Daemon, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    """One request to the daemon's socket."""
    connection = UnixConnection(str(daemon.socket), timeout=20)
    try:
        sent = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, body=sent, headers={**kind, **(headers or {})})
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def until(wanted: Callable[[], Any], timeout: float = 15) -> Any:
    """What ``wanted`` gives as soon as it is true."""
    deadline = time.monotonic() + timeout
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)
    return found


def port(daemon: Daemon) -> int:
    """Of its TCP address."""
    found = re.findall(r"API listens on .*tcp://127\.0\.0\.1:(\d+)", daemon.log())
    return int(found[-1])


def open_stream(daemon: Daemon, method: str, path: str) -> tuple[UnixConnection, http.client.HTTPResponse]:
    """A request whose answer's head has come, and whose body comes later."""
    connection = UnixConnection(str(daemon.socket), timeout=20)
    connection.request(method, path)
    return connection, connection.getresponse()


class Starter(Protocol):
    """Starts a daemon with more flags."""

    def __call__(self, *options: str, file: Any = None) -> Daemon: ...


@contextmanager
def _starter(*, shared: bool = False) -> Iterator[Starter]:
    made: list[Daemon] = []

    def start(*options: str, file: Any = None) -> Daemon:
        daemon = Daemon(options=options, answers=ANSWERS.new_file())
        if file is not None:
            written = daemon.directory / "daemon.json"
            written.write_text(json.dumps(file))
            daemon.options = (*options, "--config-file", str(written))
        made.append(daemon)
        daemon.start()
        if shared and daemon.process is not None:
            OWNED.processes.add(daemon.process.pid)
        return daemon

    try:
        yield start
    finally:
        for daemon in made:
            if daemon.process is not None:
                daemon.end()
            print(daemon.log())
            shutil.rmtree(daemon.directory)


@pytest.fixture
def start() -> Iterator[Starter]:
    """Start daemons of this test's own. Their logs are shown when it fails."""
    with _starter() as starter:
        yield starter


@pytest.fixture(scope="module")
def start_shared() -> Iterator[Starter]:
    """The same for a module's tests together."""
    with _starter(shared=True) as starter:
        yield starter
