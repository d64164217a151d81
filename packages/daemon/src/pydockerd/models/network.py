"""Networks: as clients ask for them, and as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pydockerd.models.create import EndpointSettings
from pydockerd.models.wire import wire


@frozen(kw_only=True)
class IpamConfig:
    """One pool of addresses. Source: definition IPAMConfig."""

    subnet: str = wire(default="", omit_empty=True)
    ip_range: str = wire("IPRange", default="", omit_empty=True)
    gateway: str = wire(default="", omit_empty=True)
    auxiliary_addresses: Mapping[str, str] = wire(factory=dict, omit_empty=True)


@frozen(kw_only=True)
class Ipam:
    """Source: definition IPAM."""

    driver: str = "default"
    options: Mapping[str, str] | None = None
    config: tuple[IpamConfig, ...] = ()


@frozen(kw_only=True)
class ConfigReference:
    """The network that another takes its configuration from."""

    network: str = ""


@frozen(kw_only=True)
class NetworkCreate:
    """The body of NetworkCreate."""

    name: str
    driver: str = "bridge"
    scope: str = ""
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: ConfigReference = field(factory=ConfigReference)
    ipam: Ipam = wire("IPAM", factory=Ipam)  # noqa: RUF009
    enable_ipv4: bool = wire("EnableIPv4", default=True)
    enable_ipv6: bool = wire("EnableIPv6", default=False)
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class NetworkCreated:
    """Source: definition NetworkCreateResponse."""

    id: str
    warning: str = ""


@frozen(kw_only=True)
class NetworkConnect:
    """The body of NetworkConnect."""

    container: str
    endpoint_config: EndpointSettings = field(factory=EndpointSettings)


@frozen(kw_only=True)
class NetworkDisconnect:
    """The body of NetworkDisconnect."""

    container: str
    force: bool = False


@frozen(kw_only=True)
class NetworksPruned:
    """Answer of NetworkPrune."""

    networks_deleted: tuple[str, ...] | None = None


@frozen(kw_only=True)
class Member:
    """A container on a network. Source: definition EndpointResource."""

    name: str
    endpoint_id: str = wire("EndpointID")
    mac_address: str
    ipv4_address: str = wire("IPv4Address")
    ipv6_address: str = wire("IPv6Address")


@frozen(kw_only=True)
class Network:
    """Source: definition Network."""

    name: str
    id: str
    created: str
    scope: str = "local"
    driver: str
    enable_ipv4: bool = wire("EnableIPv4", default=False)
    enable_ipv6: bool = wire("EnableIPv6", default=False)
    ipam: Ipam = wire("IPAM", factory=Ipam)  # noqa: RUF009
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_from: ConfigReference = field(factory=ConfigReference)
    config_only: bool = False
    containers: Mapping[str, Member] = field(factory=dict)
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
