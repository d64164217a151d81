"""Attaching by a WebSocket, for clients that cannot take over an HTTP connection, such as browsers. Source: operation ContainerAttachWebsocket.

Output of both streams comes as it is, without frames of their own, each piece one message: binary, and text before API 1.28. Every
message that the client sends is input.
"""

from __future__ import annotations

from aiohttp import WSMsgType, web

from pydockerd.api.attach import open_attachment
from pydockerd.api.call import Call, Route
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.streams.session import join
from pydockerd.versions import ApiVersion

_BINARY = ApiVersion(1, 28)


class _Messages:
    """The messages of a WebSocket as one stream of bytes in each direction."""

    def __init__(self, socket: web.WebSocketResponse, *, binary: bool) -> None:
        self._socket = socket
        self._binary = binary

    @property
    def lost(self) -> bool:
        """Whether the client is gone."""
        return self._socket.closed

    async def read(self, size: int) -> bytes:
        """The next message, whatever its size; none when the client has closed its side."""
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                data = bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                data = message.data.encode()
            else:
                return b""
            if data:
                return data

    async def write(self, data: bytes) -> None:
        """Send, waiting while the client is slow. Raises ConnectionError when it is gone."""
        if self._binary:
            await self._socket.send_bytes(data)
        else:
            await self._socket.send_str(data.decode("utf-8", "replace"))


async def attach(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerAttachWebsocket. Raises BadRequest for a request that is not the beginning of a WebSocket."""
    socket = web.WebSocketResponse()
    if not socket.can_prepare(call.request).ok:
        raise BadRequest("not a WebSocket: the request has no headers to upgrade the connection to one")
    opened = await open_attachment(engine, call)
    async with opened.attachment as attachment:
        await socket.prepare(call.request)
        call.opened = socket
        await join(
            _Messages(socket, binary=call.version >= _BINARY),
            attachment,
            multiplexed=False,
            stdin=opened.stdin,
            keys=opened.keys,
        )
        await socket.close()
    return socket


ROUTES = (Route("GET", "/containers/{id}/attach/ws", attach, streams=True, follows=True),)
