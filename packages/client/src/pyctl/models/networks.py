# ruff: noqa: RUF009 - api() and key() declare attributes, as attrs.field does
"""Networks as the daemon reports them (Engine API: NetworkList, NetworkInspect, NetworkPrune), and the bodies that change them."""

from __future__ import annotations

import attrs

from pyctl.models.fields import JsonObject, api, flag, text, texts, texts_by_name
from pyctl.models.requests import key


@attrs.frozen
class Network:
    """One network (NetworkSummary, NetworkInspect)."""

    document: JsonObject
    """The whole answer."""
    id: str = api("Id", text)
    name: str = api("Name", text)
    driver: str = api("Driver", text)
    scope: str = api("Scope", text)
    created: str = api("Created", text)
    """RFC 3339."""
    enable_ipv4: bool = api("EnableIPv4", flag)
    enable_ipv6: bool = api("EnableIPv6", flag)
    internal: bool = api("Internal", flag)
    ingress: bool = api("Ingress", flag)
    labels: dict[str, str] = api("Labels", texts_by_name)


@attrs.frozen
class NetworkCreated:
    """What a creation answers."""

    id: str = api("Id", text)
    warning: str = api("Warning", text)


@attrs.frozen
class NetworksPruned:
    """What a prune has removed."""

    deleted: tuple[str, ...] = api("NetworksDeleted", texts)


@attrs.frozen(kw_only=True)
class Subnet:
    """One pool of addresses (IPAMConfig)."""

    subnet: str | None = key("Subnet")
    ip_range: str | None = key("IPRange")
    gateway: str | None = key("Gateway")
    auxiliary: dict[str, str] | None = key("AuxiliaryAddresses")


@attrs.frozen(kw_only=True)
class Ipam:
    """How addresses are given (IPAM)."""

    driver: str | None = key("Driver")
    options: dict[str, str] | None = key("Options")
    config: list[Subnet] | None = key("Config")


@attrs.frozen(kw_only=True)
class ConfigFrom:
    """The network that the configuration is copied from."""

    network: str | None = key("Network")


@attrs.frozen(kw_only=True)
class NetworkRequest:
    """The body of NetworkCreate."""

    name: str = key("Name")
    driver: str | None = key("Driver")
    scope: str | None = key("Scope")
    enable_ipv4: bool | None = key("EnableIPv4")
    enable_ipv6: bool | None = key("EnableIPv6")
    ipam: Ipam | None = key("IPAM")
    internal: bool | None = key("Internal")
    attachable: bool | None = key("Attachable")
    ingress: bool | None = key("Ingress")
    config_only: bool | None = key("ConfigOnly")
    config_from: ConfigFrom | None = key("ConfigFrom")
    options: dict[str, str] | None = key("Options")
    labels: dict[str, str] | None = key("Labels")


@attrs.frozen(kw_only=True)
class EndpointAddresses:
    """The addresses that are asked for (EndpointIPAMConfig)."""

    ipv4: str | None = key("IPv4Address")
    ipv6: str | None = key("IPv6Address")
    link_local: list[str] | None = key("LinkLocalIPs")


@attrs.frozen(kw_only=True)
class Endpoint:
    """How a container joins a network (EndpointSettings)."""

    addresses: EndpointAddresses | None = key("IPAMConfig")
    links: list[str] | None = key("Links")
    aliases: list[str] | None = key("Aliases")
    mac_address: str | None = key("MacAddress")
    driver_options: dict[str, str] | None = key("DriverOpts")
    gateway_priority: int | None = key("GwPriority")


@attrs.frozen(kw_only=True)
class ConnectRequest:
    """The body of NetworkConnect."""

    container: str = key("Container")
    endpoint: Endpoint | None = key("EndpointConfig")


@attrs.frozen(kw_only=True)
class DisconnectRequest:
    """The body of NetworkDisconnect."""

    container: str = key("Container")
    force: bool | None = key("Force")
