"""Requests past every client library: whatever a test wants to put on the wire, and the answer as it comes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from tests.support.daemon import UnixConnection

from .conftest import Engine

VERSION = "v1.50"


def ask(
    engine: Engine, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One request; ``body`` is sent as JSON, or as it is if it is bytes. The status and the whole answer."""
    data = body if isinstance(body, bytes | None) else json.dumps(body)
    kind = {} if body is None or isinstance(body, bytes) else {"Content-Type": "application/json"}
    with closing(UnixConnection(engine.host.removeprefix("unix://"), timeout=60)) as connection:
        connection.request(method, f"/{VERSION}{path}", data, {**kind, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def wire(engine: Engine) -> Iterator[socket.socket]:
    """A connection on which nothing has been said."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(engine.host.removeprefix("unix://"))
        yield connection


def head(method: str, path: str, *lines: str) -> bytes:
    """The beginning of a request."""
    return "\r\n".join([f"{method} /{VERSION}{path} HTTP/1.1", "Host: docker", *lines, "", ""]).encode()


def until(connection: socket.socket, mark: bytes) -> bytes:
    """What comes up to ``mark`` and with it."""
    seen = b""
    while mark not in seen:
        part = connection.recv(65536)
        assert part, seen[-1000:]
        seen += part
    return seen
