"""Taking a connection over from HTTP: after ``101 UPGRADED`` (or a bare 200 for clients that do not ask for an upgrade) it is a plain byte stream.

aiohttp's protocol is replaced on the transport by a stream of our own, so that nothing that the client sends is ever parsed as HTTP again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import select
import socket
import sys
import termios
from collections.abc import Mapping

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from pydockerd.api.halfclosed import keep_open_after_eof

_READ_LIMIT = 256 << 10
_WRITE_HIGH = 512 << 10
_LONGEST_PAUSE = 0.5


class _Stream(asyncio.StreamReaderProtocol):
    """asyncio's own stream, which tells aiohttp's protocol when the connection is lost, so that it ends the handler and forgets us."""

    def __init__(self, reader: asyncio.StreamReader, http: asyncio.BaseProtocol) -> None:
        super().__init__(reader)
        self._http = http

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(None)  # with an error, what has arrived could not be read any more
        self._http.connection_lost(exc if isinstance(exc, Exception) else None)


class Connection:
    """A hijacked connection. Use as an asynchronous context manager: it is closed on the way out, with everything written before."""

    def __init__(self, transport: asyncio.Transport, reader: asyncio.StreamReader, protocol: _Stream) -> None:
        self._transport = transport
        self._reader = reader
        self._writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
        self._hangup: _HangupWatch | None = None
        self._head_unread = True

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._hangup is not None:
            self._hangup.stop()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    @property
    def lost(self) -> bool:
        """Whether the client is gone. What it sent before can still be read."""
        return self._transport.is_closing()

    async def read(self, size: int) -> bytes:
        """At least one byte; none when the client sends no more. From then on only its leaving for good is watched for."""
        data = await self._reader.read(size)
        if not data and self._hangup is None and not self._transport.is_closing():
            self._hangup = _HangupWatch(self._transport)
        return data

    async def write(self, data: bytes) -> None:
        """Send, waiting while the client is slow. Raises ConnectionError when it is gone."""
        if self._head_unread:
            self._head_unread = False
            await _taken(self._transport)
        self._writer.write(data)
        await self._writer.drain()


class Hijacked(web.StreamResponse):
    """What a handler returns after it took the connection: nothing is left to send."""

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Nothing: the head was sent when the connection was taken."""
        self.force_close()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the stream was closed by its owner."""


def wants_upgrade(request: web.Request) -> bool:
    """Whether the client asks for ``101 UPGRADED``, as all current ones do."""
    return "upgrade" in request.headers.get("Connection", "").lower() and "Upgrade" in request.headers


def is_hijacked(request: web.Request) -> bool:
    """Whether its connection was taken."""
    return isinstance(request.transport, asyncio.Transport) and isinstance(request.transport.get_protocol(), _Stream)


def hijack(request: web.Request, content_type: str, headers: Mapping[str, str]) -> Connection:
    """Send the head of the answer and take the connection. The request's body must have been read."""
    transport = request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("the client is gone")
    # held back until our protocol is in place: a fast client may send right after the head
    transport.pause_reading()
    reader = asyncio.StreamReader(limit=_READ_LIMIT)
    protocol = _Stream(reader, request.protocol)
    transport.set_protocol(protocol)
    keep_open_after_eof(transport)
    protocol.connection_made(transport)
    transport.set_write_buffer_limits(high=_WRITE_HIGH)
    _widen(transport)
    transport.write(_head(request, content_type, headers))
    transport.resume_reading()
    return Connection(transport, reader, protocol)


def _widen(transport: asyncio.Transport) -> None:
    """Let the kernel keep as much for the client as it may: each step then moves more."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WRITE_HIGH)


async def _taken(transport: asyncio.Transport) -> None:
    """Return once the client has taken the head of the answer, or after a second.

    docker-py reads the head through a buffer, and what follows from the socket beneath it: what comes together with the head is lost to it.
    """
    sock: socket.socket | None = transport.get_extra_info("socket")
    pause = 0.0002
    while sock is not None and pause < _LONGEST_PAUSE and sock.fileno() >= 0:
        if int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder) == 0:
            return
        await asyncio.sleep(pause)
        pause *= 2


def _head(request: web.Request, content_type: str, headers: Mapping[str, str]) -> bytes:
    upgrade = wants_upgrade(request)
    lines = ["HTTP/1.1 101 UPGRADED" if upgrade else "HTTP/1.1 200 OK", f"Content-Type: {content_type}"]
    if upgrade:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class _HangupWatch:
    """Sees a client leave that had already half-closed.

    After the end of its input asyncio no longer polls the socket for reading, and without output to write nobody would ever learn that
    the client went. An epoll with no interest but the implicit EPOLLHUP is readable exactly then.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._epoll: select.epoll | None = None
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            self._epoll = select.epoll()
            self._epoll.register(sock.fileno(), 0)
            self._loop.add_reader(self._epoll.fileno(), self._gone)

    def _gone(self) -> None:
        self.stop()
        self._transport.abort()

    def stop(self) -> None:
        """Stop watching; safe to repeat."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
