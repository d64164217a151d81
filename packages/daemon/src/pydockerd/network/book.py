"""What is true of networks and endpoints at this moment, in memory: finding them, and which addresses are free. Pure but for what it holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_interface

from pydockerd.errors import BadRequest, Conflict, NotFound
from pydockerd.network.ipam import Address, Subnet, parse_subnet
from pydockerd.network.model import BUILT_IN, Attachment, Endpoint, Network


class Book:
    """Endpoints that are ``leaving`` have their addresses until their links are gone, and are shown to nobody."""

    def __init__(self) -> None:
        self.networks: dict[str, Network] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.wishes: dict[str, tuple[Attachment, ...]] = {}
        self._by_network: defaultdict[str, dict[str, Endpoint]] = defaultdict(dict)
        self._by_sandbox: defaultdict[str, dict[str, Endpoint]] = defaultdict(dict)
        self._leaving: defaultdict[str, dict[str, Endpoint]] = defaultdict(dict)

    def add_network(self, network: Network) -> None:
        self.networks[network.id] = network

    def drop_network(self, id: str) -> None:
        self.networks.pop(id, None)

    def add(self, endpoint: Endpoint) -> None:
        self.endpoints[endpoint.id] = endpoint
        self._by_network[endpoint.network_id][endpoint.id] = endpoint
        self._by_sandbox[endpoint.sandbox][endpoint.id] = endpoint

    def leave(self, endpoint: Endpoint) -> None:
        """From now on it is only an address in use."""
        self.endpoints.pop(endpoint.id, None)
        self._by_network[endpoint.network_id].pop(endpoint.id, None)
        self._by_sandbox[endpoint.sandbox].pop(endpoint.id, None)
        if not self._by_sandbox[endpoint.sandbox]:
            del self._by_sandbox[endpoint.sandbox]
        self._leaving[endpoint.network_id][endpoint.id] = endpoint

    def gone(self, endpoint: Endpoint) -> None:
        """Its links are gone."""
        self._leaving[endpoint.network_id].pop(endpoint.id, None)

    def find(self, reference: str) -> Network:
        """By id, by name, or by a unique beginning of the id. NotFound, BadRequest."""
        if reference in self.networks:
            return self.networks[reference]
        for network in self.networks.values():
            if network.name == reference:
                return network
        matches = [network for known, network in self.networks.items() if reference and known.startswith(reference)]
        if len(matches) > 1:
            raise BadRequest(f"network {reference} is ambiguous ({len(matches)} matches found based on ID prefix)")
        if not matches:
            raise NotFound(f"network {reference} not found")
        return matches[0]

    def check_free(self, name: str) -> None:
        """Conflict for a name that is in use."""
        if name in BUILT_IN or any(network.name == name for network in self.networks.values()):
            raise Conflict(f"network with name {name} already exists")

    def of_network(self, id: str) -> list[Endpoint]:
        """Its endpoints."""
        return [*self._by_network.get(id, {}).values()]

    def of_sandbox(self, id: str) -> list[Endpoint]:
        """Its endpoints, in the order of its interfaces."""
        return [*self._by_sandbox.get(id, {}).values()]

    def sandboxes(self) -> list[str]:
        """Those that have endpoints."""
        return [*self._by_sandbox]

    def subnets(self, *, but: str = "") -> list[Subnet]:
        """Of all networks that keep theirs to themselves: children of one parent may share it."""
        return [
            parse_subnet(pool.subnet)
            for network in self.networks.values()
            if network.id != but and not network.config_only and network.driver == "bridge"
            for pool in network.pools
        ]

    def taken(self, network_id: str) -> set[Address]:
        """The addresses of its endpoints, leaving ones included."""
        return _addresses([*self.of_network(network_id), *self._leaving.get(network_id, {}).values()])

    def leaving(self, network_id: str) -> bool:
        """Whether some address will soon be free."""
        return bool(self._leaving.get(network_id))

    def drop_leaving(self, network_id: str) -> None:
        """The network is gone."""
        self._leaving.pop(network_id, None)
        self._by_network.pop(network_id, None)


def _addresses(endpoints: Iterable[Endpoint]) -> set[Address]:
    return {ip_interface(text).ip for each in endpoints for text in (each.ipv4, each.ipv6) if text}


def gateway_endpoint(endpoints: Collection[Endpoint], networks: dict[str, Network], version: int) -> Endpoint | None:
    """The one by which everything leaves that is not on a network: the highest priority; among equals the first by the network's name."""
    able = [each for each in endpoints if (each.gateway4 if version == 4 else each.gateway6)]
    return min(able, key=lambda each: (-each.attachment.gw_priority, networks[each.network_id].name), default=None)


def hardware_address(text: str) -> str:
    """A MAC for an IPv4 address: 02:42 and its bytes, as docker had them. So whoever gets the address again has the neighbours' caches right."""
    return "02:42:" + ":".join(f"{byte:02x}" for byte in ip_address(text).packed[-4:])
