"""Networks on this machine's kernel: links, addresses, rules and ports are as the book says, and go with what they were made for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from pydockerd.errors import BadRequest, Forbidden, InternalError, NotFound
from pydockerd.network import ports
from pydockerd.network.model import Attachment, Network, Pool
from pydockerd.network.naming import names_of
from pydockerd.network.networks import Networks
from pydockerd.network.nft import Nftables
from pydockerd.network.sandbox import Sandbox
from pydockerd.settings import Settings
from tests.daemon.network.places import BRIDGE, draft, inside, namespace, output


@contextlib.contextmanager
def answering(sandbox: Sandbox, port: int, version: int = 4) -> Iterator[None]:
    """Whoever connects is told his address, and that is all."""
    script = (
        "import socket, sys\n"
        f"server = socket.create_server(('', {port}), family=socket.AF_INET{'' if version == 4 else '6'})\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    client, address = server.accept()\n"
        "    client.sendall(address[0].encode())\n"
        "    client.close()\n"
    )
    command = ["nsenter", f"--net={sandbox.netns}", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


def told(address: str, port: int) -> str:
    with socket.create_connection((address, port), timeout=3) as connection:
        return connection.recv(100).decode()


def link_of(network: Network) -> str:
    return f"br-{network.id[:12]}"


def exists(link: str) -> bool:
    return link in {name for _, name in socket.if_nameindex()}


def table(tmp: Path) -> str:
    name = names_of(Settings(exec_root=tmp / "run")).table
    result = subprocess.run(["nft", "list", "table", "inet", name], capture_output=True, text=True, check=False)
    return result.stdout


async def test_a_sandbox_is_connected_and_disconnected(networks: Networks, tmp_short: Path) -> None:
    link = names_of(Settings(exec_root=tmp_short / "run")).link
    assert not exists(link)
    with namespace("one") as one, namespace("two") as two:
        await networks.attach(one)
        await networks.attach(two)
        first, second = (networks.endpoints_of(each.id)[0] for each in (one, two))
        assert first.ipv4 != second.ipv4
        assert f"inet {first.ipv4}" in inside(one, "ip", "addr", "show", "eth0")
        assert f"default via {first.gateway4} dev eth0" in inside(one, "ip", "route")
        assert inside(one, "busybox", "ping", "-c1", "-W2", second.ipv4.partition("/")[0])
        assert inside(one, "busybox", "ping", "-c1", "-W2", first.gateway4)
        assert exists(first.link)
        await networks.detach(one.id)
        assert networks.endpoints_of(one.id) == []
        await networks.attach(one)  # the same namespace once more
        assert networks.endpoints_of(one.id)[0].ipv4 == first.ipv4
    await networks.detach(one.id)
    await networks.detach(two.id)
    await networks.close()
    assert not exists(first.link)
    assert not exists(link)
    assert table(tmp_short) == ""


async def test_ports_lead_in_with_the_clients_own_address(networks: Networks) -> None:
    with namespace("server", p80="") as server, namespace("client") as client:
        await networks.attach(server)
        await networks.attach(client)
        (endpoint,) = networks.endpoints_of(server.id)
        port, gateway = endpoint.published[0].host_port, endpoint.gateway4
        with answering(server, 80):
            assert told("127.0.0.1", port) == gateway
            assert told(gateway, port) == gateway
            assert await asyncio.to_thread(told, "::1", port) == gateway
            ask = f"import socket; print(socket.create_connection(('{gateway}', {port}), timeout=3).recv(100).decode())"
            neighbour = networks.endpoints_of(client.id)[0].ipv4.partition("/")[0]
            assert inside(client, sys.executable, "-c", ask).strip() in {neighbour, gateway}
            assert inside(server, sys.executable, "-c", ask).strip() == gateway  # itself
        await networks.detach(server.id)
        with pytest.raises(ConnectionRefusedError):
            told("127.0.0.1", port)


@contextlib.contextmanager
def echoing(sandbox: Sandbox, port: int) -> Iterator[None]:
    """Datagrams come back in capitals, with the name of the sandbox."""
    script = (
        "import socket\n"
        "server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"server.bind(('', {port}))\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    data, client = server.recvfrom(100)\n"
        f"    server.sendto(data.upper() + b'{sandbox.id}', client)\n"
    )
    command = ["nsenter", f"--net={sandbox.netns}", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


async def test_datagrams_of_one_who_goes_on_sending_come_to_the_next_sandbox(networks: Networks) -> None:
    """What the kernel knows of a flow is forgotten when its port is published anew: the client keeps its port, and is never silent."""
    with namespace("one") as one, namespace("two") as two, echoing(one, 53), echoing(two, 53):
        await networks.attach(evolve(one, ports=ports.wishes({"53/udp": [("", "")]})))
        port = networks.endpoints_of(one.id)[0].published[0].host_port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(3)
            client.connect(("127.0.0.1", port))
            client.send(b"ping")
            assert client.recv(100) == b"PINGone"
            await networks.detach(one.id)
            await networks.attach(evolve(two, ports=ports.wishes({"53/udp": [("", str(port))]})))
            client.send(b"ping")
            assert client.recv(100) == b"PINGtwo"


async def test_from_another_machine_a_published_port_is_reached_and_no_other(networks: Networks) -> None:
    """The other machine is a namespace behind a link of its own; the answer names its real address."""
    with namespace("server", p80="") as server, namespace("elsewhere") as elsewhere:
        await networks.attach(server)
        (endpoint,) = networks.endpoints_of(server.id)
        pid = elsewhere.netns.split("/")[2]
        outer, place = f"far{endpoint.id[:8]}", f"10.232.{int(endpoint.id[:2], 16)}"
        output("ip", "link", "add", outer, "type", "veth", "peer", "name", "far0", "netns", pid)
        try:
            output("ip", "addr", "add", f"{place}.1/24", "dev", outer)
            output("ip", "link", "set", outer, "up")
            inside(elsewhere, "ip", "addr", "add", f"{place}.2/24", "dev", "far0")
            inside(elsewhere, "ip", "link", "set", "far0", "up")
            inside(elsewhere, "ip", "route", "add", "default", "via", f"{place}.1")
            ask = "import socket, sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1).recv(99).decode())"
            with answering(server, 80):
                said = inside(elsewhere, sys.executable, "-c", ask, f"{place}.1", str(endpoint.published[0].host_port))
                assert said.strip() == f"{place}.2"
                with pytest.raises(subprocess.CalledProcessError):  # straight to the container: not published
                    inside(elsewhere, sys.executable, "-c", ask, endpoint.ipv4.partition("/")[0], "80")
            assert inside(server, "busybox", "ping", "-c1", "-W2", f"{place}.2")  # and out it goes, masqueraded
        finally:
            output("ip", "link", "delete", outer)


async def test_networks_are_kept_from_each_other_and_the_machines_loopback_from_all(networks: Networks) -> None:
    one, two = await networks.create(draft("one")), await networks.create(draft("two"))
    with namespace("a", (Attachment(network="one"),)) as a, namespace("b", (Attachment(network="two"),)) as b:
        await networks.attach(a)
        await networks.attach(b)
        theirs = networks.endpoints_of(b.id)[0].ipv4.partition("/")[0]
        with pytest.raises(subprocess.CalledProcessError):
            inside(a, "busybox", "ping", "-c1", "-W1", theirs)
        with socket.create_server(("127.0.0.1", 0)) as server:
            gateway = networks.endpoints_of(a.id)[0].gateway4
            inside(a, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet")
            inside(a, "ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")
            inside(a, "ip", "route", "del", "local", "127.0.0.1", "dev", "lo", "table", "local")
            inside(a, "ip", "route", "add", "127.0.0.1", "via", gateway)
            ask = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), timeout=0.5)"
            with pytest.raises(subprocess.CalledProcessError):
                inside(a, sys.executable, "-c", ask)
    await networks.detach(a.id)
    await networks.detach(b.id)
    await networks.remove("one")
    await networks.remove("two")
    assert not exists(link_of(one))
    assert not exists(link_of(two))


async def test_a_failed_attachment_leaves_nothing(networks: Networks, tmp_short: Path) -> None:
    with namespace("one", p80="8") as one, namespace("two", p80="8") as two:
        held = evolve(one, ports=ports.wishes({"80": [("", "")]}))
        await networks.attach(held)
        port = str(networks.endpoints_of(one.id)[0].published[0].host_port)
        before, rules = output("ip", "-o", "link"), table(tmp_short)
        wanted = evolve(two, ports=ports.wishes({"81": [("", "")], "80": [("", port)]}))
        with pytest.raises(InternalError, match=f"Bind for 0.0.0.0:{port} failed: port is already allocated"):
            await networks.attach(wanted)
        with socket.create_server(("127.0.0.1", 0)) as server:
            taken = str(server.getsockname()[1])
            with pytest.raises(InternalError, match="address already in use"):
                await networks.attach(evolve(two, ports=ports.wishes({"80": [("", taken)]})))
        with pytest.raises(NotFound, match="network nope not found"):
            await networks.attach(evolve(two, wishes=(*BRIDGE, Attachment(network="nope")), ports=()))
        assert networks.endpoints_of(two.id) == []
        assert (output("ip", "-o", "link"), table(tmp_short)) == (before, rules)
        assert "eth0" not in inside(two, "ip", "link")


async def test_a_pool_is_used_to_the_last_address_and_addresses_come_back(networks: Networks) -> None:
    await networks.create(draft("tiny", pools=(Pool(subnet="10.232.0.0/30"),)))
    wish = (Attachment(network="tiny"),)
    with namespace("one", wish) as one, namespace("two", wish) as two:
        await networks.attach(one)
        with pytest.raises(BadRequest, match="no available IPv4 addresses on this network's address pools: tiny"):
            await networks.attach(two)
        with pytest.raises(Forbidden, match=r"network tiny has active endpoints \(name:\"one\""):
            await networks.remove("tiny")
        await networks.detach(one.id)
        await networks.attach(two)
        assert networks.endpoints_of(two.id)[0].ipv4 == "10.232.0.2/30"


async def test_a_bridge_of_somebody_elses_is_not_taken_and_one_by_name_is_used_and_kept(networks: Networks) -> None:
    foreign = draft("foreign")
    name = f"own{foreign.id[:8]}"
    output("ip", "link", "add", link_of(foreign), "type", "bridge")
    output("ip", "link", "add", name, "type", "bridge")
    try:
        with pytest.raises(Forbidden, match=f"the bridge {link_of(foreign)} belongs to another program"):
            await networks.create(foreign)
        assert exists(link_of(foreign))
        await networks.create(draft("named", options={"com.docker.network.bridge.name": name}))
        await networks.remove("named")
        assert exists(name)
        with pytest.raises(Forbidden, match="is there already and is no bridge"):
            await networks.create(draft("odd", options={"com.docker.network.bridge.name": "lo"}))
    finally:
        output("ip", "link", "delete", link_of(foreign))
        output("ip", "link", "delete", name)


async def test_macvlan_is_a_child_of_its_parent(networks: Networks) -> None:
    network = draft("lan", driver="macvlan", pools=(Pool(subnet="10.232.4.0/24"),))
    parent = f"mv{network.id[:8]}"
    output("ip", "link", "add", parent, "type", "bridge")
    output("ip", "link", "set", parent, "up")
    try:
        await networks.create(evolve(network, options={"parent": parent}))
        wish = (Attachment(network="lan", mac="02:42:00:00:00:99"),)
        with namespace("one", wish) as one, namespace("two", (Attachment(network="lan"),)) as two:
            await networks.attach(one)
            await networks.attach(two)
            said = inside(one, "ip", "-d", "link", "show", "eth0")
            assert "macvlan mode bridge" in said
            assert "02:42:00:00:00:99" in said
            assert inside(one, "busybox", "ping", "-c1", "-W2", "10.232.4.3")
            await networks.detach(one.id)
            await networks.detach(two.id)
        await networks.remove("lan")
    finally:
        output("ip", "link", "delete", parent)


@pytest.mark.parametrize("parent", ["no-such", "no-such.5"])
async def test_a_parent_that_is_not_there_is_named_and_nothing_is_left(networks: Networks, parent: str) -> None:
    before = output("ip", "-o", "link")
    with pytest.raises(Forbidden, match=r"the parent link no-such .*does not exist"):
        await networks.create(draft("odd", driver="macvlan", options={"parent": parent}))
    assert output("ip", "-o", "link") == before
    assert networks.known("odd") is None


async def test_the_next_daemon_finds_everything_and_repairs_what_is_missing(
    make: Callable[..., Networks], tmp_short: Path
) -> None:
    """The first one is as good as killed: nobody closes it, and one of its links and its whole table go meanwhile."""
    first = make()
    await first.open()
    network = await first.create(draft("kept"))
    wish = (Attachment(network="kept"),)
    with namespace("lives", wish, p80="") as lives, namespace("ends", wish) as ends, namespace("loses", wish) as loses:
        for each in (lives, ends, loses):
            await first.attach(each)
        before = {each.id: first.endpoints_of(each.id)[0] for each in (lives, ends, loses)}
        output("ip", "link", "delete", before["loses"].link)
        with contextlib.closing(Nftables()) as nftables:
            nftables.run(f"delete table inet {names_of(Settings(exec_root=tmp_short / 'run')).table}")
        await first._publishing.close_all()
        second = make()
        await second.open()
        await second.reconcile([lives, loses], {"lives", "loses"})
        assert second.endpoints_of("lives") == [before["lives"]]
        assert second.endpoints_of("ends") == []
        assert not exists(before["ends"].link)
        assert f"inet {before['loses'].ipv4}" in inside(loses, "ip", "addr")
        assert inside(loses, "busybox", "ping", "-c1", "-W2", before["lives"].ipv4.partition("/")[0])
        with answering(lives, 80):
            assert told("127.0.0.1", before["lives"].published[0].host_port)
        for each in (lives, loses):
            await second.detach(each.id)
        await second.remove(network.id)
        await second.close()
        await asyncio.to_thread(first._kernel.close)
    assert table(tmp_short) == ""


async def test_many_come_and_go_and_none_is_left(networks: Networks, tmp_short: Path) -> None:
    """A hundred at once and again: addresses are all different, and all are free in the end."""
    await networks.create(draft("busy"))
    before = socket.if_nameindex()
    with namespace("room") as room:
        rooms = [
            evolve(
                room,
                id=f"r{number}",
                wishes=(Attachment(network="busy", driver_opts={"com.docker.network.endpoint.ifname": f"e{number}"}),),
            )
            for number in range(40)
        ]
        await asyncio.gather(*(networks.attach(each) for each in rooms))
        addresses = {networks.endpoints_of(each.id)[0].ipv4 for each in rooms}
        assert len(addresses) == len(rooms)
        await asyncio.gather(*(networks.detach(each.id) for each in rooms))
    await asyncio.gather(*networks._later)
    assert socket.if_nameindex() == before
    assert networks._book.taken((await networks.get("busy")).id) == set()
