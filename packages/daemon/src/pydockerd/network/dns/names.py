"""Who is called what: the names on networks as one sandbox sees them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from attrs import define, field, frozen

from pydockerd.network.model import Endpoint, address

Address = IPv4Address | IPv6Address


@define
class Directory:
    """The names on one network, in lower case, each with the addresses of all who have it; and the first name of each address."""

    by_name: dict[str, list[Endpoint]] = field(factory=dict)
    by_address: dict[Address, str] = field(factory=dict)

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> Directory:
        """From a network's endpoints."""
        found = cls()
        for endpoint in endpoints:
            for name in dict.fromkeys(name.lower() for name in endpoint.names):
                found.by_name.setdefault(name, []).append(endpoint)
            for text in (endpoint.ipv4, endpoint.ipv6):
                if text and endpoint.names:
                    found.by_address[ip_address(address(text))] = endpoint.names[0]
        return found


@frozen
class Network:
    """A network that a sandbox is on; ``links`` are the sandbox's own names for others on it."""

    name: str
    directory: Directory
    links: Mapping[str, str] = field(factory=dict)


@frozen
class Found:
    """The addresses of a name. None of a kind means that the name has none of it, which is an answer."""

    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]


def links(texts: Iterable[str]) -> dict[str, str]:
    """``container:alias`` as alias to container, in lower case."""
    pairs = (text.partition(":") for text in texts)
    return {(alias or name).lower(): name.lower() for name, _, alias in pairs}


def find(networks: Sequence[Network], name: str) -> Found | None:
    """The addresses of a name without its last dot, on the first network that has it; ``name.network`` looks on that one only.

    None for a name that nobody has.
    """
    wanted = name.lower()
    for network in networks:
        endpoints = _on(network, wanted)
        if endpoints:
            return _found(endpoints)
    for network in networks:
        inner = wanted.removesuffix(f".{network.name.lower()}")
        if inner != wanted and (endpoints := _on(network, inner)):
            return _found(endpoints)
    return None


def reverse(networks: Sequence[Network], wanted: Address) -> str | None:
    """The name of an address, with that of its network behind it as docker tells it."""
    for network in networks:
        name = network.directory.by_address.get(wanted)
        if name is not None:
            return f"{name}.{network.name}"
    return None


def _on(network: Network, name: str) -> list[Endpoint]:
    return network.directory.by_name.get(network.links.get(name, name), [])


def _found(endpoints: Sequence[Endpoint]) -> Found:
    return Found(
        tuple(address(each.ipv4) for each in endpoints if each.ipv4),
        tuple(address(each.ipv6) for each in endpoints if each.ipv6),
    )
