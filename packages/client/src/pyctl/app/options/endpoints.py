"""How a container joins networks at its creation: what the values of ``--network`` say, and the flags that belong to the first of them."""

from __future__ import annotations

import re
from typing import Final

from pyctl.app.options.attachment import Attachment, read
from pyctl.app.options.container_flags import NetworkFlags
from pyctl.errors import InvalidUsage
from pyctl.models.create import NetworkingConfig
from pyctl.models.networks import Endpoint, EndpointAddresses

_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")


def attachments(flags: NetworkFlags) -> list[Attachment]:
    """In the order of the flags. Raises `InvalidUsage` for what contradicts itself."""
    found = [read(text) for text in flags.network] or [Attachment(network="default")]
    if len({each.network for each in found}) < len(found):
        raise InvalidUsage(f'network "{found[-1].network}" is specified multiple times')
    if len({each.has_user for each in found}) > 1:
        raise InvalidUsage("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
    _add(found[0], flags)
    for each in found:
        if each.aliases and not each.has_user:
            raise InvalidUsage("network-scoped aliases are only supported for user-defined networks")
        if each.mac and _MAC.fullmatch(each.mac) is None:
            raise InvalidUsage(f"{each.mac} is not a valid mac address")
    return found


def networking(found: list[Attachment]) -> NetworkingConfig | None:
    """The networks in the body of ContainerCreate; None where nothing is said but a name, which is the network mode."""
    if len(found) == 1 and found[0] == Attachment(network=found[0].network):
        return None
    return NetworkingConfig(endpoints={each.network: _endpoint(each) for each in found})


def _add(first: Attachment, flags: NetworkFlags) -> None:
    """What flags of their own say is of the first network."""
    plain = (
        ("ipv4", flags.ip, "--ip and per-network IPv4 address"),
        ("ipv6", flags.ip6, "--ip6 and per-network IPv6 address"),
        ("mac", flags.mac_address, "--mac-address and per-network MAC address"),
        ("aliases", flags.network_alias, "--network-alias and per-network alias"),
        ("link_local", flags.link_local_ip, "--link-local-ip and per-network link-local IP addresses"),
        # Of the default network, links are another thing, and in the host's configuration.
        ("links", flags.link if first.has_user else [], "--link and per-network links"),
    )
    for field, value, both in plain:
        if value and getattr(first, field):
            raise InvalidUsage(f"conflicting options: cannot specify both {both}")
        if value:
            setattr(first, field, value)


def _endpoint(given: Attachment) -> Endpoint:
    addresses = EndpointAddresses(ipv4=given.ipv4 or None, ipv6=given.ipv6 or None, link_local=given.link_local or None)
    options = {name: value for name, _, value in (text.partition("=") for text in given.options)}
    return Endpoint(
        addresses=addresses if addresses != EndpointAddresses() else None,
        links=given.links or None,
        aliases=given.aliases or None,
        mac_address=given.mac or None,
        driver_options=options or None,
        gateway_priority=int(given.priority) if given.priority.lstrip("-").isdecimal() else None,
    )
