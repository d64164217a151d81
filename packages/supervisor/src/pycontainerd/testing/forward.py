"""A port of a container as a port of this machine's loopback, for clients that want a number and not a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pycontainerd.tasks.container import Container
from pycontainerd.testing.reach import connect

_PIECE = 64 << 10


@contextlib.asynccontextmanager
async def forward(container: Container, port: int, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Inside, connections to the port of 127.0.0.1 that it gives go to ``port`` in the container. The kernel chooses a free one.

    A connection that the container refuses is closed at once.
    """
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await _relay(container, port, host, reader, writer)
        finally:
            connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in [*connections]:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def _relay(
    container: Container, port: int, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        from_inside, to_inside = await asyncio.open_connection(sock=await connect(container, port, host))
    except Exception:  # whatever it is, for the client nobody is there
        await _close(writer)
        return
    try:
        await asyncio.gather(_pump(reader, to_inside), _pump(from_inside, writer))
    except asyncio.CancelledError:  # the end of `forward`, which the server need not hear of
        pass
    finally:
        await _close(to_inside)
        await _close(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, its end included: half-closed connections stay half open."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
