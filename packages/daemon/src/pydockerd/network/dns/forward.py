"""Asking servers outside: one after the other, each with some patience, over UDP or over TCP as it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from attrs import define, field, frozen

from pydockerd.network.dns.sockets import inside

PATIENCE: Final = 4.0
"""Seconds for each server, docker's; the third is the last one."""
MOST_SERVERS: Final = 3
_PORT: Final = 53
_USES: Final = 2000
"""Questions for which one socket is used. A new one has another port, which who sends false answers has to guess."""
_IDLE: Final = 30.0
_FAILED: Final = frozenset({2, 5})
"""SERVFAIL and REFUSED: the next server may know more, as docker has it."""
_LENGTH: Final = struct.Struct("!H")
_logger = logging.getLogger("pydockerd.network.dns")

Connect = Callable[[int], Awaitable[socket.socket]]
"""Makes a socket of this kind that is connected to the server."""


@frozen
class Upstream:
    """A server outside. ``netns`` is the path of the namespace that it is asked from, empty for the machine's."""

    address: str
    netns: str = ""
    port: int = _PORT

    async def connect(self, kind: int) -> socket.socket:
        """A socket that does not block; UDP is connected at once, so that only this server is heard. OSError."""

        def make() -> socket.socket:
            family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
            made = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            try:
                if kind == socket.SOCK_DGRAM:
                    made.connect(socket.getaddrinfo(self.address, self.port, family, kind)[0][4])
            except BaseException:
                made.close()
                raise
            return made

        return await inside(self.netns, make) if self.netns else make()


@define(eq=False)
class _Line:
    """A UDP socket to one server and who waits for what."""

    socket: socket.socket
    waiting: dict[int, tuple[bytes, asyncio.Future[bytes]]] = field(factory=dict)
    uses: int = 0
    closing: asyncio.TimerHandle | None = None

    def open(self) -> None:
        asyncio.get_running_loop().add_reader(self.socket, self._read)

    def close(self) -> None:
        if self.socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.socket)
            self.socket.close()
        for _, waiting in self.waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server is not asked any more"))

    async def ask(self, query: bytes, patience: float) -> bytes:
        number = random.randrange(1 << 16)
        while number in self.waiting:
            number = random.randrange(1 << 16)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting[number] = (question_of(query), future)
        self.uses += 1
        try:
            self.socket.send(number.to_bytes(2) + query[2:])
            async with asyncio.timeout(patience):
                return query[:2] + (await future)[2:]
        finally:
            del self.waiting[number]

    def _read(self) -> None:
        for _ in range(64):
            try:
                data = self.socket.recv(65535)
            except BlockingIOError:
                return
            except OSError as error:  # nobody listens there: ICMP says so, once for each packet
                for _, waiting in self.waiting.values():
                    if not waiting.done():
                        waiting.set_exception(ConnectionError(str(error)))
                return
            if len(data) < 12:
                continue
            expected = self.waiting.get(int.from_bytes(data[:2]))
            if expected is not None and not expected[1].done() and question_of(data) == expected[0]:
                expected[1].set_result(data)


class Forwarder:
    """Of one sandbox. Its servers are asked in their order until one has an answer."""

    def __init__(self, servers: Sequence[Upstream], patience: float = PATIENCE) -> None:
        self._servers = tuple(servers[:MOST_SERVERS])
        self._patience = patience
        self._lines: dict[Upstream, _Line] = {}
        self._opening: dict[Upstream, asyncio.Lock] = {}
        self._old: set[_Line] = set()

    async def ask(self, query: bytes, *, stream: bool) -> bytes | None:
        """The answer of the first server that has one; None when none has. What the last one refused is an answer, too."""
        refused: bytes | None = None
        for server in self._servers:
            try:
                answer = await (self._over_tcp(server, query) if stream else self._over_udp(server, query))
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                _logger.debug("server %s does not answer: %s", server.address, str(error) or type(error).__name__)
                continue
            if answer[3] & 0x0F not in _FAILED:
                return answer
            refused = answer
        return refused

    def close(self) -> None:
        """Ask nobody any more."""
        for line in itertools.chain(self._lines.values(), self._old):
            if line.closing is not None:
                line.closing.cancel()
            line.close()
        self._lines.clear()
        self._old.clear()

    async def _over_udp(self, server: Upstream, query: bytes) -> bytes:
        line = await self._line(server)
        return await line.ask(query, self._patience)

    async def _over_tcp(self, server: Upstream, query: bytes) -> bytes:
        made = await server.connect(socket.SOCK_STREAM)
        with contextlib.closing(made):
            async with asyncio.timeout(self._patience):
                await asyncio.get_running_loop().sock_connect(made, (server.address, server.port))
                reader, writer = await asyncio.open_connection(sock=made)
                try:
                    writer.write(_LENGTH.pack(len(query)) + query)
                    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                    answer = await reader.readexactly(length)
                finally:
                    writer.close()
        if len(answer) < 12:
            raise ConnectionError("it answers nonsense")
        return answer

    async def _line(self, server: Upstream) -> _Line:
        async with self._opening.setdefault(server, asyncio.Lock()):
            line = self._lines.get(server)
            if line is None or line.uses >= _USES:
                if line is not None:
                    self._retire(line)
                line = self._lines[server] = _Line(await server.connect(socket.SOCK_DGRAM))
                line.open()
            if line.closing is not None:
                line.closing.cancel()
            line.closing = asyncio.get_running_loop().call_later(_IDLE, self._idle, server, line)
            return line

    def _idle(self, server: Upstream, line: _Line) -> None:
        if self._lines.get(server) is line:
            del self._lines[server]
        line.close()
        self._old.discard(line)

    def _retire(self, line: _Line) -> None:
        """Nobody new asks over it; who waits is waited for."""
        self._old.add(line)
        if line.closing is not None:
            line.closing.cancel()

        def close() -> None:
            line.close()
            self._old.discard(line)

        line.closing = asyncio.get_running_loop().call_later(self._patience, close)


def question_of(data: bytes) -> bytes:
    """The bytes of a message's first question: an answer has to have the same."""
    place = 12
    while place < len(data) and data[place]:
        place += data[place] + 1
    return data[12 : place + 5].lower()
