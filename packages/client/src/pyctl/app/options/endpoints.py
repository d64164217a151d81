"""How a container joins networks at its creation: ``--network`` in both of its forms, and the flags that belong to the first of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import NetworkingConfig
from pyctl.models.networks import Endpoint, EndpointAddresses

if TYPE_CHECKING:
    from pyctl.app.options.container_flags import NetworkFlags

_MAC: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_KINDS: Final = frozenset({"default", "bridge", "host", "none"})
_FIELDS: Final[Mapping[str, str]] = {
    "alias": "aliases",
    "ip": "ipv4",
    "ip6": "ipv6",
    "link-local-ip": "link_local",
    "mac-address": "mac",
    "driver-opt": "options",
    "gw-priority": "priority",
}
_MANY: Final = frozenset({"aliases", "link_local", "options"})


@attrs.define(kw_only=True)
class Attachment:
    """One network, and how it is joined."""

    network: str
    aliases: list[str] = attrs.field(factory=list)
    links: list[str] = attrs.field(factory=list)
    ipv4: str = ""
    ipv6: str = ""
    link_local: list[str] = attrs.field(factory=list)
    mac: str = ""
    options: list[str] = attrs.field(factory=list)
    priority: str = ""

    @property
    def has_user(self) -> bool:
        """Whether the network is one that somebody has made, and not one that every daemon has."""
        return self.network not in _KINDS and not self.network.startswith("container:")


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


def network(text: str) -> str:
    """A value of ``--network`` as it is, if it can be read. Raises `InvalidValue`."""
    read(text)
    return text


def read(text: str) -> Attachment:
    """``name=NET,alias=A,…``, or a name alone. Raises `InvalidValue`."""
    if "=" not in text:
        return Attachment(network=text)
    given: dict[str, Any] = {}
    for part in next(csv.reader([text])):
        key, found, value = part.partition("=")
        name = key.strip().lower()
        if not found:
            raise InvalidValue(f"invalid field {part}")
        if name != "name" and name not in _FIELDS:
            raise InvalidValue(f"invalid field key {name}")
        if name == "name":
            given["network"] = value
        elif (field := _FIELDS[name]) in _MANY:
            given.setdefault(field, []).append(value)
        else:
            given[field] = value
    if not given.get("network"):
        raise InvalidValue("network name/id is not specified")
    return Attachment(**given)


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
