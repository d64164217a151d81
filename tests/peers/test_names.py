"""Names on networks, as containers look them up: busybox's nslookup, and the docker CLI that made it all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import dns.message
import dns.rrset
import pytest

from tests.support.daemon import Daemon
from tests.support.run import RUN

from .conftest import Engine

SLEEP = ("busybox", "sleep", "300")


@pytest.fixture
def net(engine: Engine) -> Iterator[str]:
    """A network that somebody has made; whatever is on it goes with the test."""
    name = f"names-{RUN.name[:8]}"
    engine.ok("network", "create", name)
    yield name
    engine.remove_containers()
    engine.ok("network", "prune", "-f")


def lookup(engine: Engine, container: str, name: str, kind: str = "a") -> list[str]:
    """What nslookup in a container finds, in order; nothing where there is no such name."""
    result = engine.docker("exec", container, "nslookup", f"-type={kind}", name)
    return addresses(result.stdout)


def addresses(text: str) -> list[str]:
    """Those after the server's own."""
    found = text.split("\n\n", 1)[1] if "\n\n" in text else ""
    words = [line.split(maxsplit=1) for line in found.splitlines()]
    return [word[1].strip() for word in words if word[0:1] == ["Address:"]]


def address_of(engine: Engine, container: str, net: str) -> str:
    return engine.ok("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{net}").IPAddress}}}}', container)


def test_containers_find_each_other(engine: Engine, net: str) -> None:
    first = engine.ok("run", "-d", "--name", "web", "--network", net, "--network-alias", "www", *SLEEP)
    engine.ok("run", "-d", "--name", "db", "--network", net, "--network-alias", "www", *SLEEP)
    web, db = address_of(engine, "web", net), address_of(engine, "db", net)
    for name in ("web", "WEB", first[:12], f"web.{net}"):
        assert lookup(engine, "db", name) == [web]
    assert lookup(engine, "web", "web") == [web]
    assert sorted(lookup(engine, "web", "www")) == sorted([web, db])
    assert f"web.{net}" in engine.ok("exec", "db", "nslookup", web)
    assert "nameserver 127.0.0.11\n" in engine.ok("exec", "web", "cat", "/etc/resolv.conf")
    assert "ndots:0" in engine.ok("exec", "web", "cat", "/etc/resolv.conf")
    engine.ok("rename", "web", "front")
    assert lookup(engine, "db", "front") == [web]
    assert lookup(engine, "db", "web") == []
    engine.ok("rm", "-f", "front")
    assert lookup(engine, "db", "www") == [db]


def test_not_on_the_default_bridge(engine: Engine, net: str) -> None:
    engine.ok("run", "-d", "--name", "plain", *SLEEP)
    engine.ok("run", "-d", "--name", "named", "--network", net, *SLEEP)
    assert "127.0.0.11" not in engine.ok("exec", "plain", "cat", "/etc/resolv.conf")
    assert lookup(engine, "named", "plain") == []
    engine.ok("network", "connect", "--alias", "late", net, "plain")
    assert lookup(engine, "named", "late") == [address_of(engine, "plain", net)]
    assert lookup(engine, "plain", "named") == [address_of(engine, "named", net)]
    engine.ok("network", "disconnect", net, "plain")
    assert lookup(engine, "named", "late") == []


def test_links_are_one_s_own(engine: Engine, net: str) -> None:
    engine.ok("run", "-d", "--name", "db", "--network", net, *SLEEP)
    engine.ok("run", "-d", "--name", "web", "--network", net, "--link", "db:store", *SLEEP)
    engine.ok("run", "-d", "--name", "other", "--network", net, *SLEEP)
    assert lookup(engine, "web", "store") == [address_of(engine, "db", net)]
    assert lookup(engine, "other", "store") == []


def test_ipv6(engine: Engine) -> None:
    name = f"six-{RUN.name[:8]}"
    engine.ok("network", "create", "--ipv6", "--subnet", f"fd00:{RUN.name[:4]}:{RUN.name[4:8]}::/64", name)
    try:
        engine.ok("run", "-d", "--name", "web", "--network", name, *SLEEP)
        inside = engine.ok(
            "inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{name}").GlobalIPv6Address}}}}', "web"
        )
        assert lookup(engine, "web", "web", "aaaa") == [inside]
    finally:
        engine.remove_containers()
        engine.ok("network", "rm", name)


class Outside(threading.Thread):
    """A name server on the machine that gives every name one address."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.asked: list[str] = []

    def run(self) -> None:
        while True:
            try:
                data, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            query = dns.message.from_wire(data)
            self.asked.append(query.question[0].name.to_text())
            response = dns.message.make_response(query, recursion_available=True)
            if query.question[0].rdtype == dns.rdatatype.A:
                response.answer.append(dns.rrset.from_text(query.question[0].name, 5, "IN", "A", "192.0.2.7"))
            self.socket.sendto(response.to_wire(), sender)

    def close(self) -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()


def test_others_are_asked_outside(engine: Engine, net: str) -> None:
    """``--dns`` is asked from within the container's network: the gateway of it is the machine."""
    gateway = engine.ok("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", net)
    engine.ok("run", "-d", "--name", "up", "--network", net, *SLEEP)  # the bridge has its address now for sure
    server = Outside(gateway)
    server.start()
    try:
        options = ("--dns", gateway, "--dns-search", ".", "--dns-opt", "attempts:1")
        engine.ok("run", "-d", "--name", "web", "--network", net, *options, *SLEEP)
        assert lookup(engine, "web", "example.org") == ["192.0.2.7"]
        assert lookup(engine, "web", "up") == [address_of(engine, "up", net)]
        said = engine.ok("exec", "web", "cat", "/etc/resolv.conf")
        assert "nameserver 127.0.0.11\noptions attempts:1 ndots:0" in said
        assert server.asked
        assert set(server.asked) == {"example.org."}
        engine.ok("run", "-d", "--name", "plain", "--dns", gateway, "--dns-search", "corp.test", *SLEEP)
        assert f"nameserver {gateway}\nsearch corp.test" in engine.ok("exec", "plain", "cat", "/etc/resolv.conf")
    finally:
        server.close()


def test_internal_networks_ask_nobody(engine: Engine) -> None:
    name = f"in-{RUN.name[:8]}"
    engine.ok("network", "create", "--internal", name)
    try:
        engine.ok("run", "-d", "--name", "web", "--network", name, *SLEEP)
        assert lookup(engine, "web", "web") == [address_of(engine, "web", name)]
        refused = engine.docker("exec", "web", "nslookup", "-type=a", "example.org")
        assert "SERVFAIL" in refused.stdout + refused.stderr
    finally:
        engine.remove_containers()
        engine.ok("network", "rm", name)


def test_the_next_daemon_answers_again(daemon: Daemon, busybox_tar: str) -> None:
    daemon.docker("import", str(busybox_tar), "busybox")
    net = f"again-{RUN.name[:8]}"
    assert daemon.docker("network", "create", net).returncode == 0
    for name in ("web", "db"):
        assert daemon.docker("run", "-d", "--name", name, "--network", net, *SLEEP).returncode == 0
    before = daemon.docker("exec", "web", "nslookup", "-type=a", "db").stdout
    daemon.kill9()
    daemon.start()
    after = daemon.docker("exec", "web", "nslookup", "-type=a", "db").stdout
    assert addresses(after) == addresses(before) != []
    daemon.remove_containers()
    assert daemon.docker("network", "rm", net).returncode == 0
