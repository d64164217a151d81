"""Networks as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class Ipam:
    """Source: definition IPAM."""

    driver: str = "default"
    options: None = None
    config: tuple[Any, ...] = ()


@frozen(kw_only=True)
class ConfigReference:
    """The network that another takes its configuration from."""

    network: str = ""


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
    containers: Mapping[str, Any] = field(factory=dict)
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
