"""What the daemon's log says of clients that send what is not HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
from collections.abc import Iterator
from socket import AF_UNIX, socket

import pytest

from pydockerd.journal import Sparing, tame
from tests.daemon.conftest import Api


@pytest.fixture
def tamed() -> Iterator[None]:
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(tame)
    yield
    logger.removeFilter(tame)


@pytest.mark.parametrize(
    "garbage",
    [b"\0secret\0" * 50 + b"\r\n\r\n", b"GET /secret\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nsecret\r\n\r\n"],
    ids=["binary", "path", "header"],
)
async def test_garbage_is_answered_and_told_in_a_line(
    api: Api, tamed: None, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    """Tracebacks with all that was sent would let any client fill the log."""
    with caplog.at_level(logging.INFO):
        reader, writer = await asyncio.open_unix_connection(api.socket)
        writer.write(garbage)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert not [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info]
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_daemon_that_may_open_no_more_files_says_so_once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """asyncio puts a traceback into the log for each connection that waits, again and again."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    logger, sparing = logging.getLogger("asyncio"), Sparing()
    logger.addFilter(sparing)
    clients = [socket(AF_UNIX) for _ in range(50)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), limits[1]))
    try:
        for client in clients:
            client.connect(api.socket)
        await asyncio.sleep(0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        logger.removeFilter(sparing)
        for client in clients:
            client.close()
    told = [record for record in caplog.records if record.name == "asyncio"]
    assert len(told) == 1, caplog.text
    assert "too many files are open" in caplog.text
    assert "Traceback" not in caplog.text
    await asyncio.sleep(1.1)  # what asyncio waits before it accepts again
    assert (await api.ask("GET", "/_ping")).status == 200
