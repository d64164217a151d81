"""Subnets and addresses: what is free is found, what is taken is never given away, and what is left is used to the last."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydockerd.errors import BadRequest, Forbidden
from pydockerd.network import ipam
from pydockerd.network.ipam import DEFAULT_BASES, NO_POOLS, OVERLAP, Base, Subnet
from pydockerd.network.model import Pool

_lengths = st.integers(8, 30)
_networks = st.builds(
    lambda number, length: IPv4Network((number, length), strict=False), st.integers(0, 2**32 - 1), _lengths
)


def test_the_first_subnets_are_dockers() -> None:
    used: list[Subnet] = []
    for _ in range(3 + 3 * 4 + 16):
        used.append(ipam.choose(DEFAULT_BASES, used))
    with pytest.raises(BadRequest, match=NO_POOLS):
        ipam.choose(DEFAULT_BASES, used)
    assert [str(each) for each in used[:4]] == ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/16"]
    assert [str(each) for each in used[15:17]] == ["192.168.0.0/20", "192.168.16.0/20"]


@given(st.lists(_networks, max_size=30), st.integers(17, 28))
def test_a_chosen_subnet_overlaps_nothing_and_is_the_first_that_does_not(used: list[IPv4Network], size: int) -> None:
    base = Base(ip_network("10.128.0.0/14"), size)
    try:
        found = ipam.choose([base], used)
    except BadRequest:
        found = None
    every = base.network.subnets(new_prefix=size)
    if size <= 22:
        free = next((each for each in every if not any(each.overlaps(other) for other in used)), None)
        assert found == free
    elif found is not None:
        assert found.prefixlen == size
        assert found.subnet_of(base.network)  # type: ignore[arg-type]
        assert not any(found.overlaps(other) for other in used)


def test_subnets_of_the_other_version_are_not_in_the_way() -> None:
    base = Base(ip_network("fd00:1::/32"), 64)
    assert str(ipam.choose([*DEFAULT_BASES, base], [ip_network("0.0.0.0/0")], 6)) == "fd00:1::/64"
    assert str(ipam.choose([base], [ip_network("fd00:1::/64"), ip_network("fd00:1:0:2::/64")], 6)) == "fd00:1:0:1::/64"


@given(st.integers(27, 30), st.data())
def test_every_address_of_a_pool_is_given_away_once(length: int, data: st.DataObject) -> None:
    subnet = IPv4Network(("10.9.8.0", length))
    hosts = [*subnet.hosts()]
    aux = data.draw(st.lists(st.sampled_from(hosts[1:]), max_size=3, unique=True)) if len(hosts) > 1 else []
    pool = ipam.complete(Pool(subnet=str(subnet), aux={f"a{each}": str(each) for each in aux}), [])
    given: list[ipam.Address] = []
    while (found := ipam.allocate(pool, given)) is not None:
        assert found not in given
        given.append(found)
    assert given == [each for each in hosts if each not in aux and str(each) != pool.gateway]


def test_addresses_come_from_the_range_only() -> None:
    pool = ipam.complete(Pool(subnet="10.1.0.0/16", range="10.1.5.0/30"), [])
    assert pool.gateway == "10.1.0.1"
    taken: list[ipam.Address] = []
    while (found := ipam.allocate(pool, taken)) is not None:
        taken.append(found)
    assert [str(each) for each in taken] == ["10.1.5.0", "10.1.5.1", "10.1.5.2", "10.1.5.3"]


def test_what_is_in_use_is_refused_and_what_was_given_back_is_given_again() -> None:
    pool = ipam.fresh(ip_network("10.1.0.0/24"))
    wanted = ip_address("10.1.0.7")
    assert ipam.claim(pool, wanted, ()) == wanted
    for taken, address in (({wanted}, "10.1.0.7"), (set(), "10.1.0.1"), (set(), "10.1.0.0"), (set(), "10.1.0.255")):
        with pytest.raises(Forbidden, match="Address already in use"):
            ipam.claim(pool, ip_address(address), taken)
    assert str(ipam.allocate(pool, {ip_address("10.1.0.3")})) == "10.1.0.2"


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (Pool(subnet="10.0.0.0"), "invalid subnet 10.0.0.0"),
        (Pool(subnet="10.0.0.0/33"), "invalid CIDR block notation"),
        (Pool(subnet="10.0.0.1/24"), "it should be 10.0.0.0/24"),
        (Pool(subnet="10.0.0.0/24", gateway="10.0.1.1"), "doesn't contain this address"),
        (Pool(subnet="10.0.0.0/24", gateway="fd00::1"), "doesn't contain this address"),
        (Pool(subnet="10.0.0.0/24", gateway="gate"), "invalid IP address: gate"),
        (Pool(subnet="10.0.0.0/24", range="10.1.0.0/25"), "doesn't contain ip-range"),
        (Pool(subnet="10.0.0.0/24", aux={"a": "10.1.0.2"}), "invalid auxiliary address a 10.1.0.2"),
    ],
)
def test_a_pool_that_cannot_be_is_refused(pool: Pool, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        ipam.complete(pool, [])


def test_a_pool_that_overlaps_is_refused_in_dockers_words() -> None:
    with pytest.raises(Forbidden, match=OVERLAP):
        ipam.complete(Pool(subnet="10.0.0.0/8"), [ip_network("10.4.0.0/24")])
    ipam.complete(Pool(subnet="10.0.0.0/8"), [ip_network("fd00::/8")])
