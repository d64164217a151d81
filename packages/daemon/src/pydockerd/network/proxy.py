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
_PATIENCE: Final = 0.1
"""Seconds until it is tried again to take a connection."""


class _Served:
    """One listener: watched by the loop, and given up in the same step, as its owner closes it in the next."""

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self._listener, self._target = listener, target
        self._loop = asyncio.get_running_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._watch()

    def stop(self) -> list[asyncio.Task[None]]:
        """Take no more, and end what there is."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._listener)
        for task in self._connections:
            task.cancel()
        return [*self._connections]

    def _watch(self) -> None:
        self._later = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError:  # too many open files: whoever waits, waits longer
            self._loop.remove_reader(self._listener)
            self._later = self._loop.call_later(_PATIENCE, self._watch)
            return
        task = asyncio.create_task(_pass_on(accepted, self._target))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)


class Proxy:
    """The listeners of all sandboxes. They are the reservations' own sockets: closing them is not this one's business."""

    def __init__(self) -> None:
        self._served: dict[str, list[_Served]] = {}

    def serve(self, sandbox: str, listener: socket.socket, target: tuple[str, int]) -> None:
        """Pass on what arrives at ``listener``."""
        self._served.setdefault(sandbox, []).append(_Served(listener, target))

    def stop(self, sandbox: str) -> list[asyncio.Task[None]]:
        """Take no more for it, and end what there is: it is gone. Those that are ending."""
        return [task for each in self._served.pop(sandbox, []) for task in each.stop()]

    async def close(self) -> None:
        """The same for all, to the end."""
        tasks = [task for sandbox in [*self._served] for task in self.stop(sandbox)]
        await asyncio.gather(*tasks, return_exceptions=True)


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
