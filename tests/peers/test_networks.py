"""Networks, with the docker CLI as the judge: default and user-defined bridges, published ports, connecting and disconnecting, and what is refused."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.peers.conftest import Engine
from tests.support.cli_version import needs_cli
from tests.support.run import RUN

SLEEP = ("busybox", "sleep", "300")
ANSWER = "while :; do echo -e 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done"


@pytest.fixture(autouse=True)
def networks_removed(engine: Engine) -> Iterator[None]:
    yield
    engine.remove_containers()
    engine.ok("network", "prune", "-f")


def inspect(engine: Engine, *args: str) -> Any:
    (found,) = json.loads(engine.ok("inspect", *args))
    return found


def endpoint(engine: Engine, container: str, network: str = "bridge") -> Any:
    return inspect(engine, container)["NetworkSettings"]["Networks"][network]


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(engine: Engine, address: str, port: int) -> str:
    """What is answered on a TCP port of this machine, as soon as somebody answers."""
    said: list[str] = []

    def answered() -> bool:
        try:
            with socket.create_connection((address, port), timeout=2) as connection:
                connection.settimeout(2)
                said.append(connection.makefile().read())
        except OSError:
            return False
        return bool(said[-1])

    engine.until(answered)
    return said[-1]


def test_a_container_without_a_wish_is_on_the_default_bridge(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "plain", *SLEEP)
    shown = endpoint(engine, "plain")
    network = inspect(engine, "--type", "network", "bridge")
    (pool,) = network["IPAM"]["Config"]
    assert network["Driver"] == "bridge"
    assert shown["Gateway"] == pool["Gateway"]
    assert shown["IPPrefixLen"] == int(pool["Subnet"].partition("/")[2])
    assert shown["NetworkID"] == network["Id"]
    (member,) = network["Containers"].values()
    assert (member["Name"], member["IPv4Address"]) == ("plain", f"{shown['IPAddress']}/{shown['IPPrefixLen']}")
    inside = engine.ok(
        "exec",
        "plain",
        "sh",
        "-c",
        "ip -4 -o addr show eth0; ip route; cat /etc/hosts; cat /sys/class/net/eth0/address",
    )
    assert f"inet {shown['IPAddress']}/{shown['IPPrefixLen']}" in inside
    assert f"default via {shown['Gateway']} dev eth0" in inside
    assert re.search(rf"^{shown['IPAddress']}\s+{inspect(engine, 'plain')['Id'][:12]}$", inside, re.MULTILINE)
    assert inside.splitlines()[-1] == shown["MacAddress"]
    assert engine.ok("exec", "plain", "ping", "-c", "1", "-W", "2", shown["Gateway"])


def test_containers_on_a_bridge_reach_each_other_and_other_networks_do_not(engine: Engine) -> None:
    engine.ok("network", "create", "one")
    engine.ok("network", "create", "two")
    for name, network in (("c1", "one"), ("c2", "one"), ("c3", "two")):
        engine.ok("run", "-d", "--name", name, "--network", network, *SLEEP)
    assert engine.ok("exec", "c1", "ping", "-c", "1", "-W", "2", endpoint(engine, "c2", "one")["IPAddress"])
    refused = engine.docker("exec", "c1", "ping", "-c", "1", "-W", "1", endpoint(engine, "c3", "two")["IPAddress"])
    assert refused.returncode == 1, refused.stdout


def test_a_published_port_is_reached_over_loopback_and_the_bridge(engine: Engine) -> None:
    port = unused_port()
    engine.ok("run", "-d", "--name", "web", "-p", f"{port}:80", "busybox", "sh", "-c", ANSWER)
    assert "hello" in ask(engine, "127.0.0.1", port)
    assert "hello" in ask(engine, endpoint(engine, "web")["Gateway"], port)
    if socket.has_ipv6:
        assert "hello" in ask(engine, "::1", port)
    assert engine.ok("port", "web", "80").splitlines()[0] == f"0.0.0.0:{port}"
    assert f"0.0.0.0:{port}->80/tcp" in engine.ok("ps", "--format", "{{.Ports}}")
    gateway = endpoint(engine, "web")["Gateway"]
    for asking in (("run", "--rm"), ("exec",)):  # its neighbour, and itself, by the machine (hairpin)
        where = "web" if asking == ("exec",) else "busybox"
        assert "hello" in engine.ok(*asking, where, "sh", "-c", f"sleep 0.3; nc -w 3 {gateway} {port} </dev/null")
    engine.ok("rm", "-f", "web")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_a_port_on_one_address_is_on_no_other(engine: Engine) -> None:
    port = unused_port()
    engine.ok("run", "-d", "--name", "web", "-p", f"127.0.0.1:{port}:80", "busybox", "sh", "-c", ANSWER)
    assert "hello" in ask(engine, "127.0.0.1", port)
    with pytest.raises(OSError):  # noqa: PT011 - refused or timed out, as the machine has it
        socket.create_connection((endpoint(engine, "web")["Gateway"], port), timeout=1).close()


def test_random_ranges_and_all_exposed_ports(engine: Engine) -> None:
    low = unused_port()
    engine.ok(
        "run", "-d", "--name", "web", "-p", "80", "-p", f"{low}-{low + 20}:81", "-P", "--expose", "82/udp", *SLEEP
    )
    shown = inspect(engine, "web")["NetworkSettings"]["Ports"]
    assert set(shown) == {"80/tcp", "81/tcp", "82/udp"}
    assert low <= int(shown["81/tcp"][0]["HostPort"]) <= low + 20
    assert len({each["HostPort"] for each in shown["80/tcp"]}) == 1
    assert int(shown["82/udp"][0]["HostPort"]) > 0


def test_a_port_in_use_is_told_and_leaves_nothing(engine: Engine) -> None:
    port = unused_port()
    engine.ok("run", "-d", "--name", "first", "-p", f"{port}:80", *SLEEP)
    refused = engine.docker("run", "--name", "second", "-p", f"{port}:80", "busybox", "true")
    assert refused.returncode == 125
    assert "driver failed programming external connectivity on endpoint second" in refused.stderr
    assert f"Bind for 0.0.0.0:{port} failed: port is already allocated" in refused.stderr
    assert inspect(engine, "second")["State"]["Status"] == "created"
    engine.ok("rm", "-f", "first")
    engine.ok("start", "second")
    with listening() as taken:
        refused = engine.docker("run", "--rm", "-p", f"127.0.0.1:{taken}:80", "busybox", "true")
        assert refused.returncode == 125
        assert "address already in use" in refused.stderr


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_connect_and_disconnect_while_it_runs(engine: Engine) -> None:
    engine.ok("network", "create", "--subnet", "10.231.7.0/24", "late")
    engine.ok("run", "-d", "--name", "moved", *SLEEP)
    engine.ok("network", "connect", "--ip", "10.231.7.77", "--alias", "other", "late", "moved")
    shown = endpoint(engine, "moved", "late")
    assert shown["IPAddress"] == "10.231.7.77"
    assert shown["Aliases"] == ["other"]
    assert {"moved", "other"} <= set(shown["DNSNames"])
    assert "10.231.7.77/24" in engine.ok("exec", "moved", "ip", "-4", "addr", "show", "eth1")
    again = engine.docker("network", "connect", "late", "moved")
    assert "endpoint with name moved already exists in network late" in again.stderr
    in_use = engine.docker("network", "rm", "late")
    assert "has active endpoints" in in_use.stderr
    engine.ok("network", "disconnect", "bridge", "moved")
    assert list(inspect(engine, "moved")["NetworkSettings"]["Networks"]) == ["late"]
    assert "default via 10.231.7.1 dev eth1" in engine.ok("exec", "moved", "ip", "route")
    engine.ok("restart", "-t", "0", "moved")
    assert "10.231.7.77/24" in engine.ok("exec", "moved", "ip", "-4", "addr")
    engine.ok("network", "disconnect", "late", "moved")
    assert "eth" not in engine.ok("exec", "moved", "ip", "-4", "addr")
    refused = engine.docker("network", "disconnect", "late", "moved")
    assert "is not connected to network late" in refused.stderr


@needs_cli(28, "--network gw-priority")
def test_the_highest_priority_is_the_way_out(engine: Engine) -> None:
    engine.ok("network", "create", "--subnet", "10.231.8.0/24", "aa")
    engine.ok("network", "create", "--subnet", "10.231.9.0/24", "zz")
    engine.ok("create", "--name", "two", "--network", "name=aa", "--network", "name=zz,gw-priority=9", *SLEEP)
    engine.ok("start", "two")
    assert "default via 10.231.9.1" in engine.ok("exec", "two", "ip", "route")


def test_internal_networks_and_closed_ones(engine: Engine) -> None:
    engine.ok("network", "create", "--internal", "inner")
    engine.ok("network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "closed")
    engine.ok("run", "-d", "--name", "in", "--network", "inner", *SLEEP)
    assert "default" not in engine.ok("exec", "in", "ip", "route")
    for name in ("xx", "yy"):
        engine.ok("run", "-d", "--name", name, "--network", "closed", *SLEEP)
    refused = engine.docker("exec", "xx", "ping", "-c", "1", "-W", "1", endpoint(engine, "yy", "closed")["IPAddress"])
    assert refused.returncode == 1
    assert engine.ok("exec", "xx", "ping", "-c", "1", "-W", "2", endpoint(engine, "xx", "closed")["Gateway"])


def test_a_network_is_as_it_was_asked_for(engine: Engine) -> None:
    options = ("-o", "com.docker.network.driver.mtu=1400", "-o", "com.docker.network.container_iface_prefix=lan")
    pools = (
        "--subnet",
        "10.231.16.0/20",
        "--ip-range",
        "10.231.17.0/24",
        "--gateway",
        "10.231.16.9",
        "--aux-address",
        "printer=10.231.17.1",
    )
    identity = engine.ok("network", "create", *options, *pools, "--label", "tier=db", "--attachable", "asked")
    shown = inspect(engine, "asked")
    assert shown["Id"] == identity
    assert shown["IPAM"]["Config"] == [
        {
            "Subnet": "10.231.16.0/20",
            "IPRange": "10.231.17.0/24",
            "Gateway": "10.231.16.9",
            "AuxiliaryAddresses": {"printer": "10.231.17.1"},
        }
    ]
    assert (shown["Labels"], shown["Attachable"], shown["Internal"]) == ({"tier": "db"}, True, False)
    mac = "02:42:aa:bb:cc:dd"
    said = engine.ok("run", "--rm", "--network", "asked", "--mac-address", mac, "busybox", "ip", "addr", "show", "lan0")
    assert "mtu 1400" in said
    assert "10.231.17.0/20" in said or "10.231.17.2/20" in said
    assert mac in said
    assert engine.ok("network", "ls", "-q", "--no-trunc", "--filter", "label=tier=db").split() == [identity]
    assert engine.ok("network", "ls", "-q", "--filter", "type=builtin", "--format", "{{.Name}}").split() == [
        "bridge",
        "host",
        "none",
    ]
    assert engine.ok("network", "ls", "--filter", "dangling=true", "--format", "{{.Name}}").split() == ["asked"]
    assert engine.ok("network", "rm", "asked") == "asked"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("network", "create", "bridge"), "operation is not permitted on predefined bridge network"),
        (("network", "create", "a b"), "invalid network name"),
        (("network", "create", "--driver", "weave", "n"), 'plugin "weave" not found'),
        (("network", "create", "--subnet", "10.0.0.0/33", "n"), "invalid"),
        (("network", "create", "--subnet", "10.231.0.0/24", "--gateway", "10.9.9.9", "n"), "no matching subnet"),
        (("network", "rm", "bridge"), "bridge is a pre-defined network and cannot be removed"),
        (("network", "rm", "no-such"), "network no-such not found|no such network: no-such"),
        (("network", "inspect", "no-such"), "network no-such not found|no such network: no-such"),
        (("network", "connect", "no-such", "none"), "network no-such not found"),
        (("network", "connect", "bridge", "no-such"), "No such container: no-such"),
        (("run", "--rm", "--network", "no-such", "busybox", "true"), "network no-such not found"),
        pytest.param(
            ("run", "--rm", "--ip", "172.17.0.9", "busybox", "true"),
            "user-specified IP address is supported on user-defined networks only",
            marks=needs_cli(25, "--ip without --network, which older ones do not hand on"),
        ),
        pytest.param(
            ("run", "--rm", "--network-alias", "x", "busybox", "true"),
            "network-scoped aliases are only supported for user-defined networks",
            marks=needs_cli(25, "--network-alias without --network, which older ones do not hand on"),
        ),
    ],
)
def test_what_cannot_be_is_refused(engine: Engine, args: tuple[str, ...], said: str) -> None:
    refused = engine.docker(*args)
    assert refused.returncode != 0
    assert re.search(said, refused.stderr, re.IGNORECASE)


def test_overlapping_used_up_and_taken_addresses(engine: Engine) -> None:
    engine.ok("network", "create", "--subnet", "10.231.1.0/30", "tiny")
    overlapping = engine.docker("network", "create", "--subnet", "10.231.0.0/16", "wide")
    assert "Pool overlaps with other one on this address space" in overlapping.stderr
    again = engine.docker("network", "create", "tiny")
    assert "network with name tiny already exists" in again.stderr
    engine.ok("run", "-d", "--name", "only", "--network", "tiny", *SLEEP)
    full = engine.docker("run", "--rm", "--network", "tiny", "busybox", "true")
    assert "no available IPv4 addresses on this network's address pools: tiny" in full.stderr
    taken = engine.docker("run", "--rm", "--network", "tiny", "--ip", "10.231.1.2", "busybox", "true")
    assert "Address already in use" in taken.stderr
    outside = engine.docker("run", "--rm", "--network", "tiny", "--ip", "10.231.2.2", "busybox", "true")
    assert "no configured subnet contains IP address 10.231.2.2" in outside.stderr


def test_networks_with_ipv6(engine: Engine) -> None:
    engine.ok("network", "create", "--ipv6", "--subnet", "fd00:231::/64", "six")
    port = unused_port()
    engine.ok("run", "-d", "--name", "v6", "--network", "six", "-p", f"{port}:80", "busybox", "sh", "-c", ANSWER)
    shown = endpoint(engine, "v6", "six")
    assert (shown["GlobalIPv6Address"], shown["GlobalIPv6PrefixLen"], shown["IPv6Gateway"]) == (
        "fd00:231::2",
        64,
        "fd00:231::1",
    )
    assert "default via fd00:231::1 dev eth0" in engine.ok("exec", "v6", "ip", "-6", "route")
    assert "hello" in ask(engine, "127.0.0.1", port)
    assert "hello" in ask(engine, "fd00:231::1", port)


def test_sharing_a_network_and_having_none(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "owner", *SLEEP)
    mine = engine.ok("exec", "owner", "ip", "-4", "-o", "addr", "show", "eth0")
    assert (
        engine.ok("run", "--rm", "--network", "container:owner", "busybox", "ip", "-4", "-o", "addr", "show", "eth0")
        == mine
    )
    assert "eth0" not in engine.ok("run", "--rm", "--network", "none", "busybox", "ip", "addr")
    engine.ok("run", "-d", "--name", "alone", "--network", "none", *SLEEP)
    engine.ok("network", "create", "some")
    refused = engine.docker("network", "connect", "some", "alone")
    assert "private (none) mode" in refused.stderr


def test_events_of_networks(engine: Engine) -> None:
    with engine.popen(
        "events", "--filter", "type=network", "--format", "{{.Action}} {{.Actor.Attributes.name}}"
    ) as events:
        seen: list[str] = []
        assert events.stdout is not None
        lines = events.stdout
        reader = threading.Thread(target=lambda: seen.extend(line.strip() for line in lines))
        reader.start()
        engine.until(lambda: bool(engine.ok("network", "ls", "-q")))
        name = f"told-{RUN.name[:6]}"
        engine.until(lambda: _heard(engine, seen, name))
        engine.ok("run", "--rm", "--network", name, "busybox", "true")
        engine.ok("network", "rm", name)
        engine.until(lambda: f"destroy {name}" in seen)
        events.kill()
        reader.join()
    first = len(seen) - 1 - seen[::-1].index(f"create {name}")
    assert seen[first:] == [f"{action} {name}" for action in ("create", "connect", "disconnect", "destroy")]


def _heard(engine: Engine, seen: list[str], name: str) -> bool:
    """Make it until somebody tells of it: the stream of events may not be in force yet."""
    if f"create {name}" in seen:
        return True
    engine.docker("network", "rm", name)
    engine.ok("network", "create", name)
    return f"create {name}" in seen


def test_a_network_that_is_gone_leaves_no_link_and_no_rule(engine: Engine) -> None:
    identity = engine.ok("network", "create", "brief")
    link = f"br-{identity[:12]}"
    assert subprocess.run(["ip", "link", "show", link], capture_output=True).returncode == 0
    engine.ok("network", "rm", "brief")
    assert subprocess.run(["ip", "link", "show", link], capture_output=True).returncode == 1
    assert link not in subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
