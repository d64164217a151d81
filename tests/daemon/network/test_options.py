"""Options of the drivers, endpoints' settings, and what is refused of them."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from attrs import evolve

from pydockerd.errors import BadRequest, Conflict, Forbidden, InternalError, NotFound
from pydockerd.network import planning
from pydockerd.network.book import Book, gateway_endpoint
from pydockerd.network.hosts import with_addresses
from pydockerd.network.ipam import DEFAULT_BASES
from pydockerd.network.model import Attachment, Endpoint, Network, Pool
from pydockerd.network.nft import Nftables
from pydockerd.network.options import bridge_options, child_options, sysctls

DRAFT = Network(id="ab" * 32, name="net", driver="bridge", created_ns=1)


def test_a_bridge_is_named_for_its_network() -> None:
    assert bridge_options(DRAFT).link == "br-abababababab"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"com.docker.network.bridge.name": "much-too-long-a-name"}, "cannot be the name of a link"),
        ({"com.docker.network.bridge.name": "a/b"}, "cannot be the name of a link"),
        ({"com.docker.network.bridge.name": 'a"b'}, "cannot be the name of a link"),
        ({"com.docker.network.bridge.enable_icc": "maybe"}, "ParseBool"),
        ({"com.docker.network.driver.mtu": "big"}, "mtu"),
        ({"com.docker.network.driver.mtu": "1"}, "mtu"),
        ({"com.docker.network.bridge.host_binding_ipv4": "here"}, "invalid ip address"),
        ({"com.docker.network.bridge.gateway_mode_ipv4": "open"}, "unknown gateway mode open"),
        ({"com.docker.network.container_iface_prefix": "a/b"}, "cannot be the name of a link"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        planning.check_network(evolve(DRAFT, options=options))


@pytest.mark.parametrize(
    ("draft", "error", "said"),
    [
        (evolve(DRAFT, name=""), BadRequest, "invalid network name"),
        (evolve(DRAFT, name="a b"), BadRequest, "invalid network name"),
        (evolve(DRAFT, name="bridge"), Forbidden, "operation is not permitted on predefined bridge network"),
        (evolve(DRAFT, driver="host"), Forbidden, 'only one instance of "host" network is allowed'),
        (evolve(DRAFT, driver="weave"), NotFound, 'plugin "weave" not found'),
        (
            evolve(DRAFT, driver="macvlan", options={"macvlan_mode": "odd"}),
            BadRequest,
            "requested macvlan mode 'odd' is not valid",
        ),
        (
            evolve(DRAFT, driver="ipvlan", options={"ipvlan_mode": "l4"}),
            BadRequest,
            "requested ipvlan mode 'l4' is not valid",
        ),
        (evolve(DRAFT, ipv4=False), BadRequest, "IPv4 or IPv6 must be enabled"),
    ],
)
def test_networks_that_cannot_be_are_refused(draft: Network, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        planning.check_network(draft)


def test_a_sub_interface_is_told_from_its_name() -> None:
    network = evolve(DRAFT, driver="macvlan", options={"parent": "eth9.50"})
    found = child_options(network)
    assert (found.parent, found.base, found.vlan, found.mode, found.dummy) == ("eth9.50", "eth9", 50, "bridge", False)
    assert child_options(evolve(network, options={})).dummy


def test_settings_of_one_interface() -> None:
    said = {
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=0"
    }
    assert sysctls(said) == [("net/ipv4/conf/IFNAME/log_martians", "1"), ("net/ipv6/conf/IFNAME/accept_ra", "0")]
    for wrong in ("net.ipv4.conf.eth0.log_martians=1", "kernel.IFNAME=1", "net.ipv4.conf.IFNAME./../x=1", "nonsense"):
        with pytest.raises(BadRequest, match="invalid endpoint sysctl"):
            sysctls({"com.docker.network.endpoint.sysctls": wrong})


def test_a_subnet_is_kept_off_the_machines_own_routes() -> None:
    own = [(IPv4Network("172.17.0.0/16"), "eth9"), (IPv4Network("10.0.0.0/24"), "eth9")]
    chosen = planning.complete_network(DRAFT, Book(), own, (), "me")
    assert chosen.pools == (Pool(subnet="172.18.0.0/16", gateway="172.18.0.1"),)
    assert not chosen.asked
    with pytest.raises(Forbidden, match=r"overlaps the machine's own route 10\.0\.0\.0/24 by eth9"):
        planning.complete_network(evolve(DRAFT, pools=(Pool(subnet="10.0.0.0/16"),)), Book(), own, (), "me")


def test_networks_do_not_overlap_but_children_of_a_parent_may() -> None:
    book = Book()
    book.add_network(planning.complete_network(DRAFT, book, [], DEFAULT_BASES, "me"))
    other = evolve(DRAFT, id="cd" * 32, name="other", pools=(Pool(subnet="172.17.128.0/17"),))
    with pytest.raises(Forbidden, match="Pool overlaps with other one on this address space"):
        planning.complete_network(other, book, [], DEFAULT_BASES, "me")
    child = evolve(other, driver="macvlan", options={"parent": "eth9"}, pools=(Pool(subnet="192.0.2.0/24"),))
    assert planning.complete_network(child, book, [(IPv4Network("192.0.2.0/24"), "eth9")], (), "me").pools
    with pytest.raises(Conflict, match="network with name net already exists"):
        book.check_free("net")


def test_a_network_with_ipv6_gets_local_addresses_of_this_daemons_own() -> None:
    one, again, other = (planning.complete_network(evolve(DRAFT, ipv6=True), Book(), [], (), owner) for owner in "aab")
    assert one.pools[1] == again.pools[1] != other.pools[1]
    assert one.pools[1].subnet.startswith("fd")
    assert one.pools[1].subnet.endswith("/64")


def test_the_default_network_takes_no_addresses_and_aliases() -> None:
    for wanted in (Attachment(network="bridge", ipv4="172.17.0.9"), Attachment(network="bridge", aliases=("a",))):
        with pytest.raises(BadRequest, match="invalid config for network bridge"):
            planning.check_settings(wanted, default=True)
        planning.check_settings(wanted, default=False)
    with pytest.raises(BadRequest, match="invalid MAC address"):
        planning.check_settings(Attachment(network="net", mac="01:00:00:00:00:01"), default=False)


def _endpoint(network: str, priority: int, gateway: str = "10.0.0.1") -> Endpoint:
    return Endpoint(
        id=network,
        network_id=network,
        sandbox="s",
        attachment=Attachment(network=network, gw_priority=priority),
        interface="eth0",
        gateway4=gateway,
    )


def test_the_highest_priority_is_the_way_out_and_of_equals_the_first_by_name() -> None:
    networks = {name: evolve(DRAFT, id=name, name=name) for name in "abc"}
    choose = [_endpoint("c", 0), _endpoint("b", 0), _endpoint("a", 5, gateway="")]
    assert gateway_endpoint(choose, networks, 4) == choose[1]
    choose.append(_endpoint("c", 1))
    assert gateway_endpoint(choose, networks, 4) == choose[3]
    assert gateway_endpoint(choose, networks, 6) is None


def test_own_lines_of_hosts_are_replaced_and_others_kept() -> None:
    text = "127.0.0.1\tlocalhost\n10.0.0.9\tdb\n172.17.0.2\tweb\n"
    assert with_addresses(text, "web", ["172.18.0.2", "fd00::2"]) == (
        "127.0.0.1\tlocalhost\n10.0.0.9\tdb\n172.18.0.2\tweb\nfd00::2\tweb\n"
    )
    assert with_addresses(text, "web", []) == "127.0.0.1\tlocalhost\n10.0.0.9\tdb\n"


def test_without_nftables_the_package_to_install_is_named() -> None:
    with pytest.raises(
        InternalError, match=r"libnftables\.so\.0.*apt-get install libnftables1.*--network host or none"
    ):
        Nftables("libnftables.so.0").run("list ruleset")
