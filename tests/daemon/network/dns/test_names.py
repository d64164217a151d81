"""Who is called what."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from pydockerd.network.dns.names import Directory, Found, Network, find, links, reverse
from pydockerd.network.model import Attachment, Endpoint


def endpoint(sandbox: str, *names: str, ipv4: str = "", ipv6: str = "") -> Endpoint:
    attachment = Attachment(network="net")
    return Endpoint(
        id=f"e-{sandbox}",
        network_id="n",
        sandbox=sandbox,
        attachment=attachment,
        interface="eth0",
        ipv4=ipv4,
        ipv6=ipv6,
        names=names,
    )


FRONT = Network(
    "front",
    Directory.of(
        [
            endpoint("a", "Web", "www", "aaaa", ipv4="10.1.0.2/24", ipv6="fd00::2/64"),
            endpoint("b", "web2", "www", "bbbb", ipv4="10.1.0.3/24"),
        ]
    ),
    links(["db:store", "web2", "WEB:Alias"]),
)
BACK = Network("back.net", Directory.of([endpoint("c", "db", "web", ipv4="10.2.0.2/24")]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", Found(("10.1.0.2",), ("fd00::2",))),
        ("WEB", Found(("10.1.0.2",), ("fd00::2",))),
        ("aaaa", Found(("10.1.0.2",), ("fd00::2",))),
        ("web2", Found(("10.1.0.3",), ())),
        ("www", Found(("10.1.0.2", "10.1.0.3"), ("fd00::2",))),
        ("db", Found(("10.2.0.2",), ())),
        ("web.front", Found(("10.1.0.2",), ("fd00::2",))),
        ("web.back.net", Found(("10.2.0.2",), ())),
        ("alias", Found(("10.1.0.2",), ("fd00::2",))),
        ("alias.front", Found(("10.1.0.2",), ("fd00::2",))),
        ("nobody", None),
        ("web.nowhere", None),
        ("db.front", None),
        ("front", None),
        ("", None),
    ],
)
def test_find(name: str, expected: Found | None) -> None:
    assert find([FRONT, BACK], name) == expected


def test_a_link_leads_to_who_is_on_the_same_network() -> None:
    assert find([FRONT], "store") is None
    linked = Network("back", BACK.directory, links(["db:store"]))
    assert find([linked], "store") == Found(("10.2.0.2",), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.1.0.2", "Web.front"), ("fd00::2", "Web.front"), ("10.2.0.2", "db.back.net"), ("10.9.9.9", None)],
)
def test_reverse(text: str, expected: str | None) -> None:
    assert reverse([FRONT, BACK], ip_address(text)) == expected
