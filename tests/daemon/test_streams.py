"""Hijacked connections over a real socket: attach and exec, with clients that stay, half-close, vanish or detach."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from pycontainerd.containers.config import ExecConfig
from pycontainerd.tasks.attachment import Chunk
from pydockerd.errors import BadRequest
from pydockerd.streams.detach import DetachMatcher, parse_keys
from tests.daemon.conftest import Api

UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n"


@asynccontextmanager
async def hijacked(
    api: Api, path: str, *, headers: str = UPGRADE, body: bytes = b""
) -> AsyncIterator[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]]:
    """POST and take the connection: the head of the answer, then the stream."""
    reader, writer = await asyncio.open_unix_connection(api.socket)
    content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    writer.write(f"POST {path} HTTP/1.1\r\nHost: docker\r\n{headers}{content}\r\n".encode() + body)
    try:
        async with asyncio.timeout(10):
            yield await reader.readuntil(b"\r\n\r\n"), reader, writer
    finally:
        writer.close()


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """The pieces of a multiplexed stream."""
    found = []
    while data:
        stream, length = struct.unpack(">BxxxL", data[:8])
        found.append((stream, data[8 : 8 + length]))
        data = data[8 + length :]
    return found


async def test_attach_copies_both_ways_until_the_input_ends(api: Api) -> None:
    await api.create(OpenStdin=True)
    async with hijacked(api, "/v1.50/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1") as (
        head,
        reader,
        writer,
    ):
        assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n")
        assert b"Upgrade: tcp\r\n" in head
        assert b"Api-Version: 1.56\r\n" in head
        writer.write(b"hello")
        assert frames(await reader.readexactly(26)) == [(1, b"hello"), (2, b"HELLO")]
        writer.write_eof()
        assert await reader.read() == b""


async def test_clients_that_do_not_upgrade_get_a_plain_200(api: Api) -> None:
    container = await api.create()
    async with hijacked(api, "/v1.24/containers/web/attach?stream=1&stdout=1", headers="") as (head, reader, _):
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n")
        await container.attachment.write(b"x")
        await container.attachment.close_stdin()
        assert frames(await reader.read()) == [(1, b"x"), (2, b"X")]


async def test_megabytes_through_a_slow_client(api: Api) -> None:
    await api.create(OpenStdin=True, Tty=True)
    data = bytes(range(32, 256)) * 16384  # without control characters: two of them are the detach keys
    async with hijacked(api, "/containers/web/attach?stream=1&stdin=1&stdout=1") as (_, reader, writer):
        writer.write(data)
        await asyncio.sleep(0.2)
        writer.write_eof()
        received = await reader.read()
    # each piece comes back twice, the second time in capitals
    assert len(received) == 2 * len(data)


@pytest.mark.parametrize("half_closed", [False, True])
async def test_a_client_that_vanishes_ends_the_attachment(api: Api, half_closed: bool) -> None:
    container = await api.create()
    async with hijacked(api, "/containers/web/attach?stream=1&stdout=1") as (_, _, writer):
        if half_closed:
            writer.write_eof()
            await asyncio.sleep(0.1)
            assert not container.attachment.detached.is_set()
    await asyncio.wait_for(container.attachment.detached.wait(), 5)


async def test_what_a_client_sent_before_it_left_is_passed_on_and_so_is_the_end_of_its_input(api: Api) -> None:
    container = await api.create(OpenStdin=True)
    container.attachment.pause = 0.1  # the client is gone before its first bytes are written
    async with hijacked(api, "/v1.50/containers/web/attach?stream=1&stdin=1&stdout=1") as (_, _, writer):
        writer.write(b"last ")
        await asyncio.sleep(0.05)
        writer.write(b"words")
        writer.write_eof()
    async with asyncio.timeout(5):
        await container.attachment.detached.wait()
    assert container.attachment.written == b"last words"
    assert container.attachment.input_ended


async def test_output_never_comes_together_with_the_head(api: Api) -> None:
    """docker-py reads the head through a buffer and all else from beneath it: what came with the head would be lost to it."""
    container = await api.create()
    container.attachment.chunks.put_nowait(Chunk("stdout", b"at once"))
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, api.socket)
        path = "/containers/web/attach?stream=1&stdout=1"
        await loop.sock_sendall(connection, f"POST {path} HTTP/1.1\r\nHost: docker\r\n{UPGRADE}\r\n".encode())
        await asyncio.sleep(0.2)
        head = await loop.sock_recv(connection, 65536)
        assert (head[:12], head[-4:]) == (b"HTTP/1.1 101", b"\r\n\r\n")
        async with asyncio.timeout(5):
            assert frames(await loop.sock_recv(connection, 65536)) == [(1, b"at once")]


async def test_the_detach_keys_end_the_session_and_not_the_container(api: Api) -> None:
    container = await api.create(OpenStdin=True, Tty=True)
    async with hijacked(api, "/containers/web/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-x,y") as (
        _,
        reader,
        writer,
    ):
        writer.write(b"a\x18")
        writer.write(b"yb")
        assert await reader.read() == b"aA"
    await asyncio.wait_for(container.attachment.detached.wait(), 5)


async def test_bad_detach_keys_are_refused_before_the_connection_is_taken(api: Api) -> None:
    await api.create()
    reply = await api.ask("POST", "/containers/web/attach?stream=1&detachKeys=ctrl-%C3%A4")
    assert reply.status == 400
    assert "Invalid detach keys" in reply.message


async def test_an_attached_exec(api: Api) -> None:
    container = await api.create()
    await container.start()
    created = await api.ask(
        "POST",
        "/containers/web/exec",
        {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "AttachStderr": True},
    )
    assert created.status == 201
    exec_id = created.json["Id"]
    async with hijacked(api, f"/exec/{exec_id}/start", body=b'{"Detach":false,"Tty":false}') as (head, reader, writer):
        assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\n")
        writer.write(b"in")
        assert frames(await reader.readexactly(20)) == [(1, b"in"), (2, b"IN")]
        writer.write_eof()
        assert await reader.read() == b""
    shown = (await api.ask("GET", f"/exec/{exec_id}/json")).json
    assert (shown["Running"], shown["OpenStdin"], shown["ProcessConfig"]["entrypoint"]) == (True, True, "cat")
    again = await api.ask("POST", f"/exec/{exec_id}/start", {})
    assert (again.status, again.message) == (409, f"Error: Exec command {exec_id} is already running")


async def test_an_exec_of_a_missing_command_is_told_in_the_stream(api: Api) -> None:
    container = await api.create()
    await container.start()
    process = await container.exec(ExecConfig(args=("missing",)))
    async with hijacked(api, f"/exec/{process.id}/start", body=b"{}") as (_, reader, _):
        ((stream, text),) = frames(await reader.read())
    assert stream == 2
    assert b"executable file not found" in text
    assert (await api.ask("GET", f"/exec/{process.id}/json")).json["ExitCode"] == 127


async def test_a_detached_exec(api: Api) -> None:
    container = await api.create()
    await container.start()
    process = await container.exec(ExecConfig(args=("true",), terminal=True))
    reply = await api.ask("POST", f"/exec/{process.id}/start", {"Detach": True, "ConsoleSize": [24, 80]})
    assert (reply.status, reply.content) == (200, b"")
    assert process.size == (24, 80)
    assert (await api.ask("POST", f"/exec/{process.id}/resize?h=1&w=2")).status == 200
    assert process.size == (1, 2)


async def test_execs_are_refused_where_they_cannot_be(api: Api) -> None:
    container = await api.create()
    stopped = await api.ask("POST", "/containers/web/exec", {"Cmd": ["x"]})
    assert (stopped.status, stopped.message) == (409, f"container {container.id} is not running")
    await container.start()
    empty = await api.ask("POST", "/containers/web/exec", {"Cmd": []})
    assert (empty.status, empty.message) == (400, "No exec command specified")
    await container.pause()
    assert (await api.ask("POST", "/containers/web/exec", {"Cmd": ["x"]})).status == 409
    assert (await api.ask("GET", "/exec/absent/json")).message == "No such exec instance: absent"


async def test_a_follower_that_vanishes_ends_the_subscription(api: Api) -> None:
    async with api.client.get("/events") as response:
        assert response.status == 200
        assert api.supervisor.events.open == 1
    await asyncio.wait_for(api.supervisor.events.closed.wait(), 5)


@pytest.mark.parametrize(("text", "keys"), [("", b"\x10\x11"), ("a", b"a"), ("ctrl-a,ctrl-@,ctrl-[,z", b"\1\0\x1bz")])
def test_detach_keys(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-A", "ab", ",", "ctrl-ab", "é"])
def test_bad_detach_keys(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_keys(text)


def test_a_prefix_of_the_sequence_is_passed_on_when_it_does_not_complete() -> None:
    matcher = DetachMatcher(b"aab")
    assert [matcher.feed(piece) for piece in (b"xa", b"a", b"a", b"c", b"aab", b"")] == [
        (b"x", False), (b"", False), (b"a", False), (b"aac", False), (b"", True), (b"", False),
    ]  # fmt: skip


@pytest.mark.parametrize(("version", "kind"), [("1.56", aiohttp.WSMsgType.BINARY), ("1.27", aiohttp.WSMsgType.TEXT)])
async def test_attach_by_a_websocket(api: Api, version: str, kind: aiohttp.WSMsgType) -> None:
    await api.create(OpenStdin=True)
    path = f"http://docker/v{version}/containers/web/attach/ws?stream=1&stdin=1&stdout=1&stderr=1"
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(api.socket)) as session,
        session.ws_connect(path) as socket,
        asyncio.timeout(10),
    ):
        await socket.send_bytes(b"he")
        await socket.send_str("llo")
        received = [await socket.receive() for _ in range(4)]
        assert {message.type for message in received} == {kind}
        texts = [message.data if isinstance(message.data, str) else message.data.decode() for message in received]
        assert sorted(texts) == ["HE", "LLO", "he", "llo"]


async def test_a_websocket_that_leaves_ends_the_input(api: Api) -> None:
    container = await api.create(OpenStdin=True)
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(api.socket)) as session,
        session.ws_connect("http://docker/containers/web/attach/ws?stream=1&stdin=1&stdout=1") as socket,
    ):
        await socket.send_bytes(b"bye")
    await asyncio.wait_for(container.attachment.detached.wait(), 5)
    assert container.attachment.written == b"bye"
    assert container.attachment.input_ended


async def test_what_is_no_websocket_is_a_bad_request(api: Api) -> None:
    await api.create()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(api.socket)) as session,
        session.get("http://docker/v1.50/containers/web/attach/ws?stream=1") as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["message"].startswith("not a WebSocket")
