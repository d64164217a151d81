"""``network create --subnet --gateway --ip-range --aux-address``: which belongs to which (docker's consolidateIpam)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_interface, ip_network

import attrs

from pyctl.errors import InvalidUsage
from pyctl.models.networks import Subnet


def pools(
    subnets: Iterable[str], ranges: Iterable[str], gateways: Iterable[str], auxiliary: Mapping[str, str]
) -> list[Subnet]:
    """One pool a subnet, in the order of the subnets. Raises `InvalidUsage` for what fits into none, or twice into one."""
    asked, spans, doors = [*subnets], [*ranges], [*gateways]
    if len(asked) < len(spans) or len(asked) < len(doors):
        raise InvalidUsage("every ip-range or gateway must have a corresponding subnet")
    found: dict[str, Subnet] = {}
    for subnet in asked:
        if any(_overlap(subnet, other) for other in found):
            raise InvalidUsage("multiple overlapping subnet configuration is not supported")
        found[subnet] = Subnet(subnet=subnet, auxiliary={})
    for span in spans:
        subnet = _home(found, span, f"no matching subnet for range {span}")
        if found[subnet].ip_range:
            raise InvalidUsage(
                f"cannot configure multiple ranges ({span}, {found[subnet].ip_range}) on the same subnet ({subnet})"
            )
        found[subnet] = attrs.evolve(found[subnet], ip_range=span)
    for door in doors:
        subnet = _home(found, door, f"no matching subnet for gateway {door}")
        if found[subnet].gateway:
            raise InvalidUsage(
                f"cannot configure multiple gateways ({door}, {found[subnet].gateway}) for the same subnet ({subnet})"
            )
        found[subnet] = attrs.evolve(found[subnet], gateway=door)
    for name, address in auxiliary.items():
        subnet = _home(found, address, f"no matching subnet for aux-address {address}")
        found[subnet] = attrs.evolve(found[subnet], auxiliary={**(found[subnet].auxiliary or {}), name: address})
    return list(found.values())


def _home(found: Mapping[str, Subnet], text: str, failure: str) -> str:
    for subnet in found:
        if _contains(subnet, text):
            return subnet
    raise InvalidUsage(failure)


def _overlap(one: str, other: str) -> bool:
    return _contains(one, other.partition("/")[0]) or _contains(other, one.partition("/")[0])


def _contains(subnet: str, text: str) -> bool:
    try:
        network = ip_network(subnet, strict=False)
    except ValueError:
        raise InvalidUsage(f"invalid CIDR address: {subnet}") from None
    try:
        address = ip_interface(text).ip if "/" in text else ip_address(text)
    except ValueError:
        raise InvalidUsage(f"invalid address: {text}") from None
    return address.version == network.version and address in network
