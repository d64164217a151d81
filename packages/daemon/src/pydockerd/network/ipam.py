"""Which subnet a network gets and which address an endpoint: pure decisions about what is free.

Addresses are taken from the lowest up, the first that is free, as docker does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from attrs import frozen

from pydockerd.errors import BadRequest, Forbidden
from pydockerd.network.model import Pool

Subnet = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

NO_POOLS: Final = "all predefined address pools have been fully subnetted"
OVERLAP: Final = "invalid pool request: Pool overlaps with other one on this address space"


@frozen
class Base:
    """Subnets of ``size`` bits, one after the other, out of ``network``."""

    network: Subnet
    size: int


DEFAULT_BASES: Final = (
    *(Base(ip_network(f"172.{number}.0.0/16"), 16) for number in range(17, 20)),
    Base(ip_network("172.20.0.0/14"), 16),
    Base(ip_network("172.24.0.0/14"), 16),
    Base(ip_network("172.28.0.0/14"), 16),
    Base(ip_network("192.168.0.0/16"), 20),
)
"""docker's own, in its order."""


def choose(bases: Iterable[Base], used: Collection[Subnet], version: int = 4) -> Subnet:
    """The first subnet of ``bases`` that overlaps none of ``used``. BadRequest when there is none left."""
    taken = [each for each in used if each.version == version]
    for base in bases:
        if base.network.version != version:
            continue
        found = _free_part(base, taken)
        if found is not None:
            return found
    raise BadRequest(NO_POOLS)


def _free_part(base: Base, taken: Sequence[Subnet]) -> Subnet | None:
    """Goes from one subnet to behind the one that it overlaps, so that large bases cost no more than there are subnets in use."""
    step = 1 << (base.network.max_prefixlen - base.size)
    first, last = int(base.network.network_address), int(base.network.broadcast_address)
    while first <= last:
        candidate = ip_network((_address(first, base.network.version), base.size))
        blocking = [each for each in taken if overlaps(candidate, each)]
        if not blocking:
            return candidate
        behind = max(int(each.broadcast_address) for each in blocking) + 1
        first += max(step, -(-(behind - first) // step) * step)
    return None


def overlaps(one: Subnet, other: Subnet) -> bool:
    """Whether some address is in both."""
    return one.version == other.version and one.overlaps(other)


def complete(asked: Pool, used: Collection[Subnet]) -> Pool:
    """A pool that somebody has asked for with a gateway. BadRequest for what is wrong in itself, Forbidden for what overlaps ``used``."""
    subnet = parse_subnet(asked.subnet)
    if any(overlaps(subnet, each) for each in used):
        raise Forbidden(OVERLAP)
    if asked.range:
        _inside(parse_subnet(asked.range), subnet, f"invalid ip-range {asked.range}")
    for name, text in asked.aux.items():
        _member(parse_address(text), subnet, f"auxiliary address {name}")
    if asked.gateway:
        _member(parse_address(asked.gateway), subnet, "gateway")
    aux = {parse_address(text) for text in asked.aux.values()}
    gateway = parse_address(asked.gateway) if asked.gateway else _first(subnet, aux)
    if gateway in aux:
        raise Forbidden("failed to allocate secondary ip address (Address already in use)")
    return Pool(subnet=str(subnet), range=asked.range, gateway=str(gateway), aux=dict(asked.aux))


def fresh(subnet: Subnet) -> Pool:
    """A pool that nobody has asked for."""
    return Pool(subnet=str(subnet), gateway=str(_first(subnet, set())))


def allocate(pool: Pool, taken: Collection[Address]) -> Address | None:
    """The first free address of a pool; None when there is none."""
    subnet = parse_subnet(pool.subnet)
    within = parse_subnet(pool.range) if pool.range else subnet
    reserved = reserved_addresses(pool)
    for number in range(int(within.network_address), int(within.broadcast_address) + 1):
        candidate = _address(number, subnet.version)
        if candidate not in reserved and candidate not in taken:
            return candidate
    return None


def claim(pool: Pool, wanted: Address, taken: Collection[Address]) -> Address:
    """An address that was asked for. Forbidden when it is in use."""
    if wanted in taken or wanted in reserved_addresses(pool):
        raise Forbidden("Address already in use")
    return wanted


def holding(pools: Iterable[Pool], wanted: Address) -> Pool | None:
    """The pool that an address is in."""
    for pool in pools:
        subnet = parse_subnet(pool.subnet)
        if subnet.version == wanted.version and wanted in subnet:
            return pool
    return None


def reserved_addresses(pool: Pool) -> set[Address]:
    """What no endpoint gets: the gateway, the auxiliary addresses, and the subnet's own first and (IPv4) last."""
    subnet = parse_subnet(pool.subnet)
    found: set[Address] = {parse_address(text) for text in (*pool.aux.values(), pool.gateway) if text}
    if subnet.num_addresses > 2:
        found.add(subnet.network_address)
        if subnet.version == 4:
            found.add(subnet.broadcast_address)
    return found


def parse_subnet(text: str) -> Subnet:
    """BadRequest in docker's words."""
    if "/" not in text:
        raise BadRequest(f"invalid network config:\ninvalid subnet {text}: no prefix length")
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise BadRequest(f"invalid network config:\ninvalid subnet {text}: invalid CIDR block notation") from None
    if ip_address(text.partition("/")[0]) != found.network_address:
        raise BadRequest(f"invalid network config:\ninvalid subnet {text}: it should be {found}")
    return found


def parse_address(text: str) -> Address:
    """BadRequest names what is none."""
    try:
        return ip_address(text)
    except ValueError:
        raise BadRequest(f"invalid IP address: {text}") from None


def _first(subnet: Subnet, taken: Collection[Address]) -> Address:
    pool = Pool(subnet=str(subnet))
    found = allocate(pool, taken)
    if found is None:
        raise BadRequest(f"invalid network config:\ninvalid subnet {subnet}: no address is left for a gateway")
    return found


def _inside(part: Subnet, subnet: Subnet, what: str) -> None:
    same = part.version == subnet.version
    if not same or part.network_address not in subnet or part.broadcast_address not in subnet:
        raise BadRequest(f"invalid network config:\n{what}: parent subnet {subnet} doesn't contain ip-range")


def _member(wanted: Address, subnet: Subnet, what: str) -> None:
    if wanted.version != subnet.version or wanted not in subnet:
        raise BadRequest(
            f"invalid network config:\ninvalid {what} {wanted}: parent subnet {subnet} doesn't contain this address"
        )


def _address(number: int, version: int) -> Address:
    return IPv4Address(number) if version == 4 else IPv6Address(number)
