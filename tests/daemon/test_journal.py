"""What the daemon's log says of clients that send what is not HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from pydockerd.journal import tame
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
