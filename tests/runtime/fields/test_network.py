"""linux.netDevices: a veth pair in a network namespace of the test's own, one end of which goes into the container."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import uuid4

import pytest

import pyrunc
from pyrunc import Spec, _native
from pyrunc.spec import Namespace, NetDevice
from tests.runtime.fields.conftest import Inside, linux

T = TypeVar("T")

LINKS = """
import socket, fcntl
def link(name):
    return [read(f"/sys/class/net/{name}/{what}").strip() for what in ("address", "mtu", "operstate")]
def addresses():
    four = read("/proc/net/fib_trie")
    six = [line.split()[0] + "/" + str(int(line.split()[2], 16)) + " " + line.split()[5] for line in read("/proc/net/if_inet6").splitlines()]
    return four, six
names = sorted(os.listdir("/sys/class/net"))
"""


class Place:
    """A network namespace with a thread that lives in it, which makes the containers: the host's is left alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = f"/run/netns/{name}"

    def ip(self, *words: str) -> str:
        return subprocess.run(["ip", "-n", self.name, *words], check=True, capture_output=True, text=True).stdout

    def run(self, action: Callable[[], T]) -> T:
        """In a thread of its own, which ends there."""
        found: list[T] = []
        failed: list[BaseException] = []

        def work() -> None:
            descriptor = os.open(self.file, os.O_RDONLY)
            try:
                assert _native.lib.pyrunc_setns(descriptor, 0x40000000) == 0
                found.append(action())
            except BaseException as error:
                failed.append(error)
            finally:
                os.close(descriptor)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place(f"pyrunc-{uuid4().hex[:8]}")
    subprocess.run(["ip", "netns", "add", made.name], check=True)
    made.ip("link", "add", "left", "mtu", "1400", "type", "veth", "peer", "name", "right")
    made.ip("addr", "add", "10.9.8.7/24", "brd", "+", "dev", "left")
    made.ip("addr", "add", "fd00:9::7/64", "dev", "left", "nodad")
    made.ip("addr", "add", "10.9.9.9/32", "scope", "link", "dev", "left")
    made.ip("addr", "add", "10.9.9.10/32", "valid_lft", "900", "preferred_lft", "900", "dev", "left")
    made.ip("link", "set", "right", "up")
    yield made
    subprocess.run(["ip", "netns", "delete", made.name], check=True)


def devices(**names: str) -> Callable[[Spec], Spec]:
    return linux(net_devices={outside: NetDevice(name=inside) for outside, inside in names.items()})


def test_it_is_moved_with_its_addresses_and_is_up(inside: Inside, place: Place) -> None:
    mac = place.ip("-o", "link", "show", "left").split("link/ether ")[1].split()[0]
    code = LINKS + 'say(names, link("left"), *addresses())'
    names, link, four, six = place.run(lambda: inside(code, devices(left="")))
    assert names == ["left", "lo"]
    assert link == [mac, "1400", "up"]
    assert "10.9.8.7" in four
    assert "10.9.8.255" in four
    assert "10.9.9." not in four, "neither what is for the link alone nor what expires"
    assert "fd000009000000000000000000000007/64 left" in six


def test_it_gets_another_name(inside: Inside, place: Place) -> None:
    code = LINKS + 'say(names, link("eth0")[2], "10.9.8.7" in addresses()[0])'
    assert place.run(lambda: inside(code, devices(left="eth0"))) == [["eth0", "lo"], "up", True]


def test_a_template_for_a_name(inside: Inside, place: Place) -> None:
    assert place.run(lambda: inside(LINKS + "say(names)", devices(left="net%d", right="net%d"))) == [
        "lo",
        "net0",
        "net1",
    ]


def test_into_a_namespace_that_is_there(inside: Inside, place: Place) -> None:
    other = f"{place.name}-b"
    subprocess.run(["ip", "netns", "add", other], check=True)
    try:

        def joined(spec: Spec) -> Spec:
            assert spec.linux is not None
            kept = tuple(namespace for namespace in spec.linux.namespaces if namespace.type != "network")
            network = Namespace(type="network", path=f"/run/netns/{other}")
            return devices(left="eth0")(spec).with_linux(namespaces=(*kept, network))

        assert place.run(lambda: inside(LINKS + 'say(link("eth0")[2])', joined)) == "up"
        # The namespace is its owner's, and so is what is in it when the container has gone.
        subprocess.run(["ip", "-n", other, "link", "show", "eth0"], check=True, capture_output=True)
        (_, error) = refusal(inside, place, joined)
        assert "linux.netDevices.left: there is no such network device" in error
        place.ip("link", "add", "left", "type", "veth", "peer", "name", "far")
        (_, error) = refusal(inside, place, joined)
        assert "linux.netDevices.left.name: the container has a network device eth0 already" in error
    finally:
        subprocess.run(["ip", "netns", "delete", other], check=True)


def refusal(inside: Inside, place: Place, change: Callable[[Spec], Spec]) -> tuple[type[Exception], str]:
    with pytest.raises(pyrunc.PyruncError) as caught:
        place.run(lambda: inside("say(1)", change))
    return caught.type, str(caught.value)


def test_what_is_not_there_and_nothing_is_moved(inside: Inside, place: Place) -> None:
    kind, error = refusal(inside, place, devices(left="", gone=""))
    assert kind is pyrunc.SpecError
    assert error == "linux.netDevices.gone: there is no such network device"
    assert "10.9.8.7/24" in place.ip("addr", "show", "left")


def test_a_container_that_comes_to_nothing_gives_it_back(inside: Inside, place: Place) -> None:
    def broken(spec: Spec) -> Spec:
        return devices(left="eth0")(spec).with_mount("/x", "nosuchfs")

    _, error = refusal(inside, place, broken)
    assert "nosuchfs" in error
    told = place.ip("addr", "show", "left")
    assert "10.9.8.7/24" in told
    assert "fd00:9::7/64" in told
    assert "UP" in told


def test_the_loopback_of_a_new_namespace_is_up(inside: Inside) -> None:
    code = 'import socket\nserver = socket.create_server(("127.0.0.1", 0))\nsay(socket.create_connection(server.getsockname()) is not None)'
    assert inside(code) is True
