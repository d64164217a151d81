"""Port specifications, as docker's clients send them."""

from __future__ import annotations

import pytest

from pydockerd.errors import BadRequest
from pydockerd.network import ports
from pydockerd.network.ports import Port, Wish


def test_bindings_become_wishes_in_the_order_of_ports() -> None:
    bindings = {
        "80/tcp": [("", "8080"), ("127.0.0.1", "0")],
        "53/udp": [("::1", "5300-5310")],
        "22/tcp": [],
    }
    assert ports.wishes(bindings) == (
        Wish(Port(22, "tcp")),
        Wish(Port(53, "udp"), "::1", 5300, 5310),
        Wish(Port(80, "tcp"), "", 8080, 8080),
        Wish(Port(80, "tcp"), "127.0.0.1"),
    )


def test_exposed_ports_get_any_port_unless_they_are_bound() -> None:
    bindings = {"80/tcp": [("", "8080")]}
    assert ports.wishes(bindings, ["80", "90-91/udp"]) == (
        Wish(Port(80, "tcp"), "", 8080, 8080),
        Wish(Port(90, "udp")),
        Wish(Port(91, "udp")),
    )


@pytest.mark.parametrize("text", ["", "x", "0/tcp", "65536", "80/icmp", "-1", "٣/tcp", "80/tcp/udp"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid port specification"):
        ports.parse_port(text)


@pytest.mark.parametrize(
    ("pair", "said"),
    [(("nowhere", "80"), "invalid IP address"), (("", "90-80"), "invalid port"), (("", "http"), "invalid port")],
)
def test_a_binding_that_cannot_be_is_refused(pair: tuple[str, str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        ports.wishes({"80/tcp": [pair]})


def test_no_address_is_all_of_those_that_are_spoken() -> None:
    wish = Wish(Port(80, "tcp"))

    def addresses(wish: Wish, default: str, *, ipv6: bool) -> list[str]:
        return [str(each) for each in ports.addresses(wish, default=default, ipv4=True, ipv6=ipv6)]

    assert addresses(wish, "0.0.0.0", ipv6=True) == ["0.0.0.0", "::"]
    assert addresses(wish, "0.0.0.0", ipv6=False) == ["0.0.0.0"]
    assert addresses(wish, "127.0.0.1", ipv6=True) == ["127.0.0.1"]
    assert addresses(Wish(Port(80, "tcp"), "10.0.0.1"), "127.0.0.1", ipv6=True) == ["10.0.0.1"]


def test_free_ports_are_tried_from_the_last_one_on_and_all_of_them() -> None:
    ephemeral = range(100, 105)
    assert [*ports.candidates(Wish(Port(80, "tcp")), ephemeral, 0)] == [100, 101, 102, 103, 104]
    assert [*ports.candidates(Wish(Port(80, "tcp")), ephemeral, 102)] == [103, 104, 100, 101, 102]
    assert [*ports.candidates(Wish(Port(80, "tcp"), "", 8, 10), ephemeral, 102)] == [8, 9, 10]
