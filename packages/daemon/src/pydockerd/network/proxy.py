"""TCP connections that packet rules cannot send on, passed on by this process: IPv6 for sandboxes that have only IPv4, ::1 among it.

What arrives at a held socket is taken, and copied in both directions until both have ended. It is what dockerd's docker-proxy does for every
port; here it is the exception. A daemon that stops ends these connections, and those only.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

_BLOCK: Final = 1 << 16


class Proxy:
    """The listeners of all sandboxes. They are the reservations' own sockets: closing them is not this one's business."""

    def __init__(self) -> None:
        self._servers: dict[str, list[asyncio.Task[None]]] = {}

    def serve(self, sandbox: str, listener: socket.socket, target: tuple[str, int]) -> None:
        """Pass on what arrives at ``listener``."""
        self._servers.setdefault(sandbox, []).append(asyncio.create_task(_accept(listener, target)))

    def stop(self, sandbox: str) -> None:
        """Take no more for it, and end what there is: it is gone."""
        for task in self._servers.pop(sandbox, []):
            task.cancel()

    async def close(self) -> None:
        """The same for all."""
        tasks = [task for each in self._servers.values() for task in each]
        for sandbox in [*self._servers]:
            self.stop(sandbox)
        await asyncio.gather(*tasks, return_exceptions=True)


async def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as connections:
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError:
                if listener.fileno() < 0:
                    return
                await asyncio.sleep(0.1)  # too many open files: the next one waits
                continue
            connections.create_task(_pass_on(accepted, target))


async def _pass_on(accepted: socket.socket, target: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    with accepted, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connected, contextlib.suppress(OSError):
        accepted.setblocking(False)
        connected.setblocking(False)
        await loop.sock_connect(connected, target)
        await asyncio.gather(_copy(accepted, connected), _copy(connected, accepted))


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    block = bytearray(_BLOCK)
    while size := await loop.sock_recv_into(source, block):
        await loop.sock_sendall(target, memoryview(block)[:size])
    target.shutdown(socket.SHUT_WR)
