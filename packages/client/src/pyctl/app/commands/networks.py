"""``pyctl network``: create, list, inspect, remove, prune, connect, disconnect."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import attrs

from pyctl.app.commands.confirm import confirmed
from pyctl.app.flags import operand, switch, value
from pyctl.app.format.listing import Format
from pyctl.app.format.networks import NETWORKS, network_row
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.options.ipam import pools
from pyctl.app.options.order import natural
from pyctl.app.options.values import pairs
from pyctl.app.session import client, complain
from pyctl.errors import ApiError, NotFound
from pyctl.models.networks import ConfigFrom, Endpoint, EndpointAddresses, Ipam, NetworkRequest

Network = Annotated[str, operand("NETWORK")]
Container = Annotated[str, operand("CONTAINER")]


@attrs.frozen(kw_only=True)
class CreateFlags:
    """What the new network is."""

    attachable: Annotated[bool, switch("--attachable", help="Enable manual container attachment")] = False
    aux_address: Annotated[
        list[str],
        value("--aux-address", metavar="map", help="Auxiliary IPv4 or IPv6 addresses used by Network driver"),
    ] = attrs.field(factory=list)
    config_from: Annotated[
        str | None, value("--config-from", help="The network from which to copy the configuration")
    ] = None
    config_only: Annotated[bool, switch("--config-only", help="Create a configuration only network")] = False
    driver: Annotated[str, value("--driver", "-d", help="Driver to manage the Network")] = "bridge"
    gateway: Annotated[
        list[str], value("--gateway", metavar="strings", help="IPv4 or IPv6 Gateway for the master subnet")
    ] = attrs.field(factory=list)
    ingress: Annotated[bool, switch("--ingress", help="Create swarm routing-mesh network")] = False
    internal: Annotated[bool, switch("--internal", help="Restrict external access to the network")] = False
    ip_range: Annotated[
        list[str], value("--ip-range", metavar="strings", help="Allocate container ip from a sub-range")
    ] = attrs.field(factory=list)
    ipam_driver: Annotated[str, value("--ipam-driver", help="IP Address Management Driver")] = "default"
    ipam_opt: Annotated[list[str], value("--ipam-opt", metavar="map", help="Set IPAM driver specific options")] = (
        attrs.field(factory=list)
    )
    ipv4: Annotated[bool | None, switch("--ipv4/--no-ipv4", help="Enable or disable IPv4 address assignment")] = None
    ipv6: Annotated[bool | None, switch("--ipv6/--no-ipv6", help="Enable or disable IPv6 address assignment")] = None
    label: Annotated[list[str], value("--label", metavar="list", help="Set metadata on a network")] = attrs.field(
        factory=list
    )
    opt: Annotated[list[str], value("--opt", "-o", metavar="map", help="Set driver specific options")] = attrs.field(
        factory=list
    )
    scope: Annotated[str | None, value("--scope", help="Control the network's scope")] = None
    subnet: Annotated[
        list[str],
        value("--subnet", metavar="strings", help="Subnet in CIDR format that represents a network segment"),
    ] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class ListFlags:
    """Which networks, and how they are shown."""

    filter: Annotated[
        list[Filter],
        value("--filter", "-f", metavar="filter", help='Provide filter values (e.g. "driver=bridge")', read=filter_),
    ] = attrs.field(factory=list)
    format: Annotated[
        str | None,
        value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template for each network"),
    ] = None
    no_trunc: Annotated[bool, switch("--no-trunc", help="Do not truncate the output")] = False
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only display network IDs")] = False


@attrs.frozen(kw_only=True)
class ConnectFlags:
    """How the container joins."""

    alias: Annotated[
        list[str], value("--alias", metavar="strings", help="Add network-scoped alias for the container")
    ] = attrs.field(factory=list)
    driver_opt: Annotated[
        list[str], value("--driver-opt", metavar="strings", help="driver options for the network")
    ] = attrs.field(factory=list)
    gw_priority: Annotated[
        int,
        value(
            "--gw-priority",
            metavar="int",
            help="Highest gw-priority provides the default gateway. Accepts positive and negative values.",
        ),
    ] = 0
    ip: Annotated[str | None, value("--ip", help='IPv4 address (e.g., "172.30.100.104")')] = None
    ip6: Annotated[str | None, value("--ip6", help='IPv6 address (e.g., "2001:db8::33")')] = None
    link: Annotated[list[str], value("--link", metavar="list", help="Add link to another container")] = attrs.field(
        factory=list
    )
    link_local_ip: Annotated[
        list[str], value("--link-local-ip", metavar="strings", help="Add a link-local address for the container")
    ] = attrs.field(factory=list)


def create(flags: CreateFlags, network: Network) -> None:
    """NetworkCreate."""
    subnets = pools(_split(flags.subnet), _split(flags.ip_range), _split(flags.gateway), pairs(flags.aux_address))
    request = NetworkRequest(
        name=network,
        driver=flags.driver,
        scope=flags.scope,
        enable_ipv4=flags.ipv4,
        enable_ipv6=flags.ipv6,
        ipam=Ipam(driver=flags.ipam_driver, options=pairs(flags.ipam_opt), config=subnets),
        internal=flags.internal,
        attachable=flags.attachable,
        ingress=flags.ingress,
        config_only=flags.config_only,
        config_from=ConfigFrom(network=flags.config_from) if flags.config_from else None,
        options=pairs(flags.opt),
        labels=pairs(flags.label),
    )
    created = client().networks.create(request)
    if created.warning:
        complain(f"WARNING: {created.warning}")
    print(created.id)


def ls(flags: ListFlags) -> None:
    """NetworkList."""
    layout = Format.read(flags.format, NETWORKS, quiet=flags.quiet)
    found = client().networks.list(filters=collected(flags.filter))
    rows = [
        network_row(network, truncate=not flags.no_trunc)
        for network in sorted(found, key=lambda network: natural(network.name))
    ]
    sys.stdout.write(layout.render(rows))


def rm(
    networks: Annotated[list[str], operand("NETWORK [NETWORK...]")],
    force: Annotated[bool, switch("--force", "-f", help="Do not error if the network does not exist")] = False,
) -> int:
    """NetworkDelete."""
    failed = False
    for name in networks:
        try:
            client().networks.remove(name)
        except NotFound as error:
            if force:
                continue
            complain(str(error))
            failed = True
        except ApiError as error:
            complain(str(error))
            failed = True
        else:
            print(name, flush=True)
    if failed:
        complain("exit status 1")  # docker's last line
    return int(failed)


def connect(flags: ConnectFlags, network: Network, container: Container) -> None:
    """NetworkConnect."""
    local = _split(flags.link_local_ip)
    addresses = EndpointAddresses(ipv4=flags.ip, ipv6=flags.ip6, link_local=local or None)
    endpoint = Endpoint(
        addresses=addresses if addresses != EndpointAddresses() else None,
        links=flags.link or None,
        aliases=_split(flags.alias) or None,
        driver_options=pairs(_split(flags.driver_opt)) or None,
        gateway_priority=flags.gw_priority or None,
    )
    client().networks.connect(network, container, endpoint)


def disconnect(
    network: Network,
    container: Container,
    force: Annotated[bool, switch("--force", "-f", help="Force the container to disconnect from a network")] = False,
) -> None:
    """NetworkDisconnect."""
    client().networks.disconnect(network, container, force=force)


def prune(
    filter: Annotated[
        list[Filter] | None,
        value("--filter", metavar="filter", help='Provide filter values (e.g. "until=<timestamp>")', read=filter_),
    ] = None,
    force: Annotated[bool, switch("--force", "-f", help="Do not prompt for confirmation")] = False,
) -> None:
    """NetworkPrune."""
    warning = "WARNING! This will remove all custom networks not used by at least one container."
    if not (force or confirmed(warning)):
        return
    pruned = client().networks.prune(filters=collected(filter or []))
    if pruned.deleted:
        print("Deleted Networks:\n" + "".join(f"{name}\n" for name in pruned.deleted))


def _split(given: Iterable[str]) -> list[str]:
    """Flags that docker calls ``strings`` take several values at once, between commas."""
    return [part for text in given for part in text.split(",")]
