"""Networks, and how containers are on them, as the API shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from attrs import frozen

from pydockerd.models.container import EndpointView, PortSummary
from pydockerd.models.create import EndpointIpam
from pydockerd.models.host_config import PortBinding
from pydockerd.models.network import ConfigReference, Ipam, IpamConfig, Member
from pydockerd.models.network import Network as NetworkView
from pydockerd.models.wire import ZERO_TIME, timestamp
from pydockerd.network.model import Attachment, Endpoint, Network, Published, address
from pydockerd.network.ports import Port


def network_id(name: str, owner: str = "") -> str:
    """The id of a network that is always there. ``none`` and ``host`` are the same ones on every daemon; ``bridge`` is its ``owner``'s."""
    return hashlib.sha256(f"pydockerd network {name}{owner}".encode()).hexdigest()


def network_view(network: Network, members: Mapping[str, Member]) -> NetworkView:
    """One network; ``members`` by their containers' ids."""
    built_in = network.driver in {"host", "null"}
    return NetworkView(
        name=network.name,
        id=network.id,
        created=timestamp(datetime.fromtimestamp(network.created_ns / 1e9, UTC)) if network.created_ns else ZERO_TIME,
        driver=network.driver,
        enable_ipv4=network.ipv4 and not built_in,
        enable_ipv6=network.ipv6,
        ipam=Ipam(
            driver=network.ipam_driver or "default",
            options=network.ipam_options or (None if network.is_built_in else {}),
            config=tuple(
                IpamConfig(subnet=pool.subnet, ip_range=pool.range, gateway=pool.gateway, auxiliary_addresses=pool.aux)
                for pool in network.pools
            ),
        ),
        internal=network.internal,
        attachable=network.attachable,
        config_from=ConfigReference(network=network.config_from),
        config_only=network.config_only,
        containers=members,
        options=network.options,
        labels=network.labels,
    )


def member(endpoint: Endpoint, name: str) -> Member:
    """A container on a network."""
    return Member(
        name=name,
        endpoint_id=endpoint.id,
        mac_address=endpoint.mac,
        ipv4_address=endpoint.ipv4,
        ipv6_address=endpoint.ipv6,
    )


@frozen(kw_only=True)
class Connection:
    """A container and one of its networks: what it wants of it, and, while it runs, what it has. A network that does not exist (yet) has no ``id``."""

    name: str
    id: str
    wanted: Attachment
    endpoint: Endpoint | None = None


def endpoint_view(connection: Connection) -> EndpointView:
    """Source: definition EndpointSettings."""
    wanted, has = connection.wanted, connection.endpoint
    fixed = EndpointIpam(ipv4_address=wanted.ipv4, ipv6_address=wanted.ipv6, link_local_ips=wanted.link_local or None)
    ipv4, ipv6 = (has.ipv4, has.ipv6) if has else ("", "")
    return EndpointView(
        ipam_config=fixed if wanted.ipv4 or wanted.ipv6 or wanted.link_local else None,
        links=wanted.links or None,
        aliases=wanted.aliases or None,
        mac_address=has.mac if has else "",
        driver_opts=wanted.driver_opts or None,
        gw_priority=wanted.gw_priority,
        network_id=connection.id,
        endpoint_id=has.id if has else "",
        gateway=has.gateway4 if has else "",
        ip_address=address(ipv4),
        ip_prefix_len=_length(ipv4),
        ipv6_gateway=has.gateway6 if has else "",
        global_ipv6_address=address(ipv6),
        global_ipv6_prefix_len=_length(ipv6),
        dns_names=has.names if has and connection.name != "bridge" else None,
    )


def port_map(
    connections: tuple[Connection, ...], exposed: tuple[Port, ...]
) -> dict[str, tuple[PortBinding, ...] | None]:
    """By port of the container, where it is published; None for those that are only exposed."""
    found: dict[str, tuple[PortBinding, ...] | None] = {str(port): None for port in exposed}
    for each in _published(connections):
        key = f"{each.port}/{each.protocol}"
        found[key] = (*(found.get(key) or ()), PortBinding(host_ip=each.host_ip, host_port=str(each.host_port)))
    return found


def port_list(connections: tuple[Connection, ...], exposed: tuple[Port, ...]) -> tuple[PortSummary, ...]:
    """The same as a list shows it."""
    published = _published(connections)
    open_ports = {(each.port, each.protocol) for each in published}
    return (
        *(
            PortSummary(ip=each.host_ip, private_port=each.port, public_port=each.host_port, type=each.protocol)
            for each in published
        ),
        *(
            PortSummary(private_port=port.number, type=port.protocol)
            for port in exposed
            if (port.number, port.protocol) not in open_ports
        ),
    )


def _published(connections: tuple[Connection, ...]) -> list[Published]:
    return [port for each in connections if each.endpoint is not None for port in each.endpoint.published]


def _length(interface: str) -> int:
    length = interface.partition("/")[2]
    return int(length) if length else 0
