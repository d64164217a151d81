"""A server in a network namespace, asked over real sockets."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import cast

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.reversename
import pytest

from pydockerd.network.dns.forward import Upstream
from pydockerd.network.dns.sockets import inside, open_sockets

from .conftest import Client, Seen, Serve, endpoint, values

WEB = endpoint("a", "web", "www", ipv4="10.1.0.2/24", ipv6="fd00::2/64")
WEB2 = endpoint("b", "web2", "www", ipv4="10.1.0.3/24")
Answer = Callable[[bytes], bytes | None]


class Outside(asyncio.DatagramProtocol):
    """A server on the machine's loopback, for UDP and TCP, and what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked, self.streams = answer, list[bytes](), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.asked.append(data)
        answer = self.answer(data)
        if answer is not None:
            self.transport.sendto(answer, addr)  # type: ignore[arg-type]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams += 1
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        answer = self.answer(data)
        if answer is not None:
            writer.write(len(answer).to_bytes(2) + answer)
            await writer.drain()
        writer.close()


@pytest.fixture
async def outside() -> AsyncIterator[Callable[..., object]]:
    """Starts servers."""
    closing: list[Callable[[], object]] = []

    async def start(answer: Answer) -> tuple[Outside, Upstream]:
        made = Outside(answer)
        streams = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        port = streams.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: made, local_addr=("127.0.0.1", port)
        )
        closing.extend((streams.close, transport.close))
        return made, Upstream("127.0.0.1", port=port)

    yield start
    for close in closing:
        close()
    await asyncio.sleep(0)


def tells(text: str) -> Answer:
    """One address for every name."""

    def answer(data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query, recursion_available=True)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 5, "IN", "A", text))
        return response.to_wire()

    return answer


def says(code: dns.rcode.Rcode) -> Answer:
    def answer(data: bytes) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(data), recursion_available=True)
        response.set_rcode(code)
        return response.to_wire()

    return answer


def silent(data: bytes) -> None:
    """Nothing."""


async def test_names_of_the_network(serve: Serve, client: Client) -> None:
    await serve(Seen([WEB, WEB2]))
    for _ in range(2):
        assert values(await client.ask("web")) == ["10.1.0.2"]
        assert values(await client.ask("WEB.")) == ["10.1.0.2"]
        assert values(await client.ask("web.net")) == ["10.1.0.2"]
        assert values(await client.ask("web", "AAAA")) == ["fd00::2"]
    none = await client.ask("web2", "AAAA")
    assert (none.rcode(), values(none)) == (dns.rcode.NOERROR, [])
    other = await client.ask("web", "MX")
    assert (other.rcode(), values(other)) == (dns.rcode.NOERROR, [])
    assert (await client.ask("web")).answer[0].ttl == 600


async def test_reverse(serve: Serve, client: Client) -> None:
    await serve(Seen([WEB]))
    for address in ("10.1.0.2", "fd00::2"):
        name = dns.reversename.from_address(address).to_text()
        assert values(await client.ask(name, "PTR")) == ["web.net."]


async def test_several_addresses_come_in_all_orders(serve: Serve, client: Client) -> None:
    everybody = [endpoint(str(n), f"w{n}", "pool", ipv4=f"10.1.0.{n}/24") for n in range(2, 6)]
    await serve(Seen(everybody))
    first: Counter[str] = Counter()
    for _ in range(60):
        found = values(await client.ask("pool"))
        assert sorted(found) == [f"10.1.0.{n}" for n in range(2, 6)]
        first[found[0]] += 1
    assert len(first) == 4


async def test_a_change_is_seen_at_once(serve: Serve, client: Client) -> None:
    seen = Seen([WEB])
    await serve(seen)
    assert values(await client.ask("www")) == ["10.1.0.2"]
    seen.endpoints.append(WEB2)
    seen.generation += 1
    assert sorted(values(await client.ask("www"))) == ["10.1.0.2", "10.1.0.3"]
    seen.endpoints.clear()
    seen.generation += 1
    assert (await client.ask("www")).rcode() == dns.rcode.SERVFAIL


async def test_what_has_no_room_is_asked_again_by_tcp(serve: Serve, client: Client) -> None:
    await serve(Seen([endpoint(str(n), "pool", ipv4=f"10.1.{n}.1/16") for n in range(200)]))
    cut = await client.ask("pool")
    assert cut.flags & dns.flags.TC
    assert values(cut) == []
    assert len(values(await client.ask("pool", payload=4096))) == 200
    query = dns.message.make_query("pool", "A")
    other = dns.message.make_query("nobody", "A")
    whole, none = await client.over_tcp(query, other)
    assert len(values(whole)) == 200
    assert none.rcode() == dns.rcode.SERVFAIL


async def test_forwarded(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    first, upstream = await outside(tells("93.184.216.34"))  # type: ignore[misc]
    await serve(Seen([WEB]), upstream)
    for _ in range(2):
        assert values(await client.ask("Example.org")) == ["93.184.216.34"]
    assert values(await client.ask("web")) == ["10.1.0.2"]
    assert len(first.asked) == 2
    (answer,) = await client.over_tcp(dns.message.make_query("example.org", "A"))
    assert values(answer) == ["93.184.216.34"]
    assert first.streams == 1


async def test_a_server_that_never_answers(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    deaf, first = await outside(silent)  # type: ignore[misc]
    _, second = await outside(tells("1.1.1.1"))  # type: ignore[misc]
    await serve(Seen([]), first, second, patience=0.1)
    assert values(await client.ask("example.org")) == ["1.1.1.1"]
    assert len(deaf.asked) == 1


async def test_nobody_answers(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    _, first = await outside(silent)  # type: ignore[misc]
    closed = Upstream("127.0.0.1", port=1)
    await serve(Seen([]), first, closed, patience=0.1)
    assert (await client.ask("example.org", payload=1232)).rcode() == dns.rcode.SERVFAIL
    (answer,) = await client.over_tcp(dns.message.make_query("example.org", "A"))
    assert answer.rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_the_next_server_may_know_more(
    serve: Serve, client: Client, outside: Callable[..., object], code: dns.rcode.Rcode
) -> None:
    _, first = await outside(says(code))  # type: ignore[misc]
    _, second = await outside(tells("1.1.1.1"))  # type: ignore[misc]
    await serve(Seen([]), first, second)
    assert values(await client.ask("example.org")) == ["1.1.1.1"]


async def test_no_such_name_is_an_answer(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    _, first = await outside(says(dns.rcode.NXDOMAIN))  # type: ignore[misc]
    unasked, second = await outside(tells("1.1.1.1"))  # type: ignore[misc]
    await serve(Seen([]), first, second)
    assert (await client.ask("example.org")).rcode() == dns.rcode.NXDOMAIN
    assert unasked.asked == []


async def test_an_answer_to_another_question_is_none(
    serve: Serve, client: Client, outside: Callable[..., object]
) -> None:
    def lies(data: bytes) -> bytes:
        query = dns.message.make_query("evil.org", "A")
        query.id = int.from_bytes(data[:2])
        return tells("6.6.6.6")(query.to_wire()) or b""

    _, first = await outside(lies)  # type: ignore[misc]
    await serve(Seen([]), first, patience=0.1)
    assert (await client.ask("example.org")).rcode() == dns.rcode.SERVFAIL


async def test_internal_networks_ask_nobody(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    unasked, upstream = await outside(tells("1.1.1.1"))  # type: ignore[misc]
    await serve(Seen([WEB], outside=False), upstream)
    assert values(await client.ask("web")) == ["10.1.0.2"]
    assert (await client.ask("example.org")).rcode() == dns.rcode.SERVFAIL
    assert unasked.asked == []


async def test_a_server_inside_of_the_sandbox(serve: Serve, client: Client, netns: str) -> None:
    """What ``--dns`` names is asked from within, with the sandbox's loopback."""
    loop = asyncio.get_running_loop()

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 5353))
        made.setblocking(False)
        return made

    with await inside(netns, make) as server:
        await serve(Seen([]), Upstream("127.0.0.1", netns, port=5353), patience=2)
        asking = asyncio.create_task(client.ask("example.org"))
        data, sender = await asyncio.wait_for(loop.sock_recvfrom(server, 4096), 5)
        answer = tells("7.7.7.7")(data)
        assert answer is not None
        await loop.sock_sendto(server, answer, sender)
        assert values(await asking) == ["7.7.7.7"]


async def test_the_sandbox_may_have_port_53(serve: Serve, client: Client, netns: str) -> None:
    def own() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("0.0.0.0", 53))
        return made

    await serve(Seen([WEB]))
    with await inside(netns, own):
        assert values(await client.ask("web")) == ["10.1.0.2"]


async def test_the_next_daemon_takes_the_place(netns: str, serve: Serve, client: Client) -> None:
    old = await open_sockets(netns)
    old.close()
    await serve(Seen([WEB]))
    assert values(await client.ask("web")) == ["10.1.0.2"]
    rules = subprocess.run(
        ["nsenter", f"--net={netns}", "nft", "list", "ruleset"], capture_output=True, text=True, check=True
    ).stdout
    assert rules.count("dnat to 127.0.0.11") == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff", dns.rcode.FORMERR),
        (b"\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", dns.rcode.FORMERR),
        (b"\x12\x34\x01\x00\xff\xff\x00\x00\x00\x00\x00\x00", dns.rcode.FORMERR),
        (b"\x12\x34\x11\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", dns.rcode.NOTIMP),
        (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x00\x00\x01\x00\x03", dns.rcode.NOTIMP),
    ],
)
async def test_what_is_no_question(serve: Serve, client: Client, data: bytes, code: dns.rcode.Rcode) -> None:
    await serve(Seen([WEB]))
    answer = await client.raw(data)
    assert answer[:2] == b"\x12\x34"
    assert answer[2] & 0x80
    assert answer[3] & 0x0F == code


@pytest.mark.parametrize(
    "data", [b"", b"short", b"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"]
)
async def test_what_is_not_answered(serve: Serve, client: Client, data: bytes) -> None:
    """An answer to an answer would go on for ever."""
    await serve(Seen([WEB]))
    with pytest.raises(TimeoutError):
        await client.raw(data, patience=0.1)
    assert values(await client.ask("web")) == ["10.1.0.2"]


async def test_many_at_once(serve: Serve, client: Client, outside: Callable[..., object]) -> None:
    _, upstream = await outside(tells("1.1.1.1"))  # type: ignore[misc]
    await serve(Seen([WEB]), upstream, patience=5)
    loop = asyncio.get_running_loop()
    with await client.connected() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        queries = [dns.message.make_query("web" if n % 2 else f"n{n}.example.org", "A", id=n) for n in range(500)]
        for query in queries:
            await loop.sock_sendall(made, query.to_wire())
            await asyncio.sleep(0)
        left = {query.id: query for query in queries}
        while left:
            answer = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(made, 4096), 10))
            assert values(answer) == ["10.1.0.2" if answer.id % 2 else "1.1.1.1"]
            del left[answer.id]
