"""A network namespace, a server in it, and somebody who asks from inside."""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import dns.flags
import dns.message
import dns.rdatatype
import pytest
from attrs import define, field

from pydockerd.network.dns.forward import Forwarder, Upstream
from pydockerd.network.dns.names import Directory, Network
from pydockerd.network.dns.server import Server
from pydockerd.network.dns.sockets import inside, open_sockets
from pydockerd.network.model import Attachment, Endpoint

INTERNAL = ("127.0.0.11", 53)


@pytest.fixture
def netns() -> Iterator[str]:
    """The path of a network namespace of its own, with its loopback up."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 1000"],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        yield f"/proc/{holder.pid}/ns/net"
    finally:
        holder.kill()
        holder.communicate()


def endpoint(sandbox: str, *names: str, ipv4: str = "", ipv6: str = "") -> Endpoint:
    """Somebody on a network."""
    return Endpoint(
        id=f"e-{sandbox}-{ipv4}",
        network_id="n",
        sandbox=sandbox,
        attachment=Attachment(network="net"),
        interface="eth0",
        ipv4=ipv4,
        ipv6=ipv6,
        names=names,
    )


@define
class Seen:
    """What the sandbox sees: a View."""

    endpoints: list[Endpoint] = field(factory=list)
    outside: bool = True
    generation: int = 0

    def networks(self) -> Sequence[Network]:
        return [Network("net", Directory.of(self.endpoints))]


class Client:
    """Asks from inside of the namespace."""

    def __init__(self, netns: str) -> None:
        self.netns = netns

    async def connected(self, kind: int = socket.SOCK_DGRAM) -> socket.socket:
        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, kind)
            made.connect(INTERNAL)
            made.setblocking(False)
            return made

        return await inside(self.netns, make)

    async def raw(self, data: bytes, patience: float = 5) -> bytes:
        """One packet there, one back."""
        loop = asyncio.get_running_loop()
        with await self.connected() as made:
            await loop.sock_sendall(made, data)
            return await asyncio.wait_for(loop.sock_recv(made, 65535), patience)

    async def ask(self, name: str, kind: str = "A", *, payload: int | None = None) -> dns.message.Message:
        """A question by UDP."""
        query = dns.message.make_query(name, kind, use_edns=payload is not None, payload=payload)
        answer = dns.message.from_wire(await self.raw(query.to_wire()))
        assert query.is_response(answer)
        assert answer.flags & dns.flags.RA
        return answer

    async def over_tcp(self, *queries: dns.message.Message) -> list[dns.message.Message]:
        """Questions on one connection."""
        reader, writer = await asyncio.open_connection(sock=await self.connected(socket.SOCK_STREAM))
        try:
            answers = []
            for query in queries:
                wire = query.to_wire()
                writer.write(struct.pack("!H", len(wire)) + wire)
            for query in queries:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                answer = dns.message.from_wire(await reader.readexactly(length))
                assert query.is_response(answer)
                answers.append(answer)
            return answers
        finally:
            writer.close()
            await writer.wait_closed()


def values(answer: dns.message.Message) -> list[str]:
    """The data of all records of the answer."""
    return [record.to_text() for rrset in answer.answer for record in rrset]


Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
async def serve(netns: str) -> AsyncIterator[Serve]:
    """Makes servers in the namespace."""
    made: list[Server] = []

    async def server(seen: Seen, *upstreams: Upstream, patience: float = 0.3) -> Server:
        made.append(Server(await open_sockets(netns), seen, Forwarder(upstreams, patience)))
        return made[-1]

    yield server
    for each in made:
        each.close()
    await asyncio.sleep(0)


@pytest.fixture
def client(netns: str) -> Client:
    return Client(netns)
