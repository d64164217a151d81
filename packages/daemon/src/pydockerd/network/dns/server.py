"""One sandbox's server: from its sockets to an answer.

The bytes of a question, without its number, are the key to what is to be answered: so a question that was asked before costs a look into a dict. What
is in there is forgotten as a whole when something on a network changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Coroutine, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from pydockerd.network.dns.forward import Forwarder, question_of
from pydockerd.network.dns.names import Network, find, reverse
from pydockerd.network.dns.records import Records
from pydockerd.network.dns.sockets import Sockets

if TYPE_CHECKING:
    from pydockerd.network.dns import message

_AT_ONCE: Final = 64
"""Questions that are read before others have their turn."""
_KNOWN: Final = 4096
_WAITING: Final = 1024
"""Questions that may wait for servers outside; docker's limit, too."""
_LARGEST: Final = 65535
_IDLE: Final = 30.0
_STREAMS: Final = 256
_LENGTH: Final = struct.Struct("!H")
_logger = logging.getLogger("pydockerd.network.dns")


class Otherwise(Enum):
    """What there is instead of an answer."""

    OUTSIDE = "servers outside are asked"
    NOBODY = "nothing is said, by anybody"


class View(Protocol):
    """What a sandbox sees at this moment."""

    @property
    def generation(self) -> int:
        """Another one after each change."""
        ...

    @property
    def outside(self) -> bool:
        """Whether it is on a network that leads to somewhere else."""
        ...

    def networks(self) -> Sequence[Network]:
        """Those that it is on, in the order in which they are asked."""
        ...


class Server:
    """Begins to answer at once, on the event loop that it is made on."""

    def __init__(self, sockets: Sockets, view: View, forwarder: Forwarder) -> None:
        self._sockets, self._view, self._forwarder = sockets, view, forwarder
        self._known: dict[tuple[bytes, bool], bytes | Records | Otherwise] = {}
        self._generation = -1
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._streams = 0
        self._many = 1
        """As many questions as came last time are expected: to ask for one that is not there costs as much as an answer."""
        self._loop.add_reader(sockets.udp, self._read)
        self._loop.add_reader(sockets.tcp, self._accept)

    def close(self) -> None:
        """Answer nobody any more."""
        self._loop.remove_reader(self._sockets.udp)
        self._loop.remove_reader(self._sockets.tcp)
        for task in self._tasks:
            task.cancel()
        self._forwarder.close()
        self._sockets.close()

    # -- UDP --------------------------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        udp, many = self._sockets.udp, self._many
        for done in range(many):
            try:
                data, sender = udp.recvfrom(4096)
            except OSError:  # nothing more; or the answer before found nobody
                self._many = max(1, done)
                return
            answer = self._answer(data, stream=False)
            if isinstance(answer, bytes):
                with contextlib.suppress(OSError):
                    udp.sendto(answer, sender)
            elif answer is Otherwise.OUTSIDE:
                self._later(self._pass_on(data, sender))
        self._many = min(many * 2, _AT_ONCE)

    async def _pass_on(self, data: bytes, sender: tuple[str, int]) -> None:
        answer = await self._outside(data, stream=False)
        with contextlib.suppress(OSError):
            self._sockets.udp.sendto(answer, sender)

    # -- TCP --------------------------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._sockets.tcp.accept()
            except OSError:
                return
            if self._streams >= _STREAMS:
                connection.close()
                continue
            connection.setblocking(False)
            self._later(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        """Several questions may come on one connection; who says nothing for long has ended."""
        self._streams += 1
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            try:
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                    while True:
                        async with asyncio.timeout(_IDLE):
                            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                            data = await reader.readexactly(length)
                        answer = self._answer(data, stream=True)
                        if answer is Otherwise.OUTSIDE:
                            answer = await self._outside(data, stream=True)
                        if isinstance(answer, Otherwise):
                            return
                        writer.write(_LENGTH.pack(len(answer)) + answer)
                        await writer.drain()
            finally:
                writer.close()
        finally:
            self._streams -= 1

    # -- answers ----------------------------------------------------------------------------------------------------------------

    def _answer(self, data: bytes, *, stream: bool) -> bytes | Otherwise:
        """The answer, or who has one."""
        if self._generation != self._view.generation:
            self._known.clear()
            self._generation = self._view.generation
        key = data[2:], stream
        known = self._known.get(key)
        if known is None:
            known = self._make(data, stream=stream)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[key] = known
        if isinstance(known, Otherwise):
            return known
        return data[:2] + (known if isinstance(known, bytes) else known.wire())

    def _make(self, data: bytes, *, stream: bool) -> bytes | Records | Otherwise:
        from pydockerd.network.dns import message

        question = message.parse(data)
        if question is None:
            return Otherwise.NOBODY
        answer = question if isinstance(question, Records) else self._found(question, stream=stream)
        if answer is None:
            return Otherwise.OUTSIDE
        return answer.wire() if len(answer.records) < 2 else answer

    def _found(self, question: message.Question, *, stream: bool) -> Records | None:
        from pydockerd.network.dns import message

        room = _LARGEST if stream else question.room
        networks = self._view.networks()
        if question.kind == "PTR" and (address := question.address) is not None:
            name = reverse(networks, address)
            if name is not None:
                return message.pointer(question, f"{name}.", room)
        elif (found := find(networks, question.name)) is not None:
            # a name of ours that has nothing of this kind is answered, too, so that nobody goes on looking
            addresses = {"A": found.ipv4, "AAAA": found.ipv6}.get(question.kind, ())
            return message.addresses(question, addresses, room)
        return None if self._view.outside else message.refuse(question.message, message.SERVFAIL)

    async def _outside(self, data: bytes, *, stream: bool) -> bytes:
        answer = await self._forwarder.ask(data, stream=stream)
        if answer is not None:
            return answer
        return _failure(data)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= _WAITING:
            work.close()
            return
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _failure(data: bytes) -> bytes:
    """SERVFAIL, with the question: this comes too often, when servers do not answer, to be made with care."""
    question = data[12 : 12 + len(question_of(data))]
    return data[:2] + bytes([0x80 | (data[2] & 0x79), 0x82]) + b"\0\1\0\0\0\0\0\0" + question
