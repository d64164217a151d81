"""The body of ``POST /containers/create``: Config with HostConfig and NetworkingConfig inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from pydockerd.models.container_config import Config
from pydockerd.models.host_config import HostConfig
from pydockerd.models.wire import dump, read, wire


@frozen(kw_only=True)
class EndpointIpam:
    """Addresses that a container is to have. Source: definition EndpointIPAMConfig."""

    ipv4_address: str = wire("IPv4Address", default="", omit_empty=True)
    ipv6_address: str = wire("IPv6Address", default="", omit_empty=True)
    link_local_ips: tuple[str, ...] | None = wire("LinkLocalIPs", default=None, omit_empty=True)


@frozen(kw_only=True)
class EndpointSettings:
    """How a container is to be on one network. Source: the first half of the definition EndpointSettings."""

    ipam_config: EndpointIpam | None = wire("IPAMConfig", default=None)  # noqa: RUF009
    aliases: tuple[str, ...] | None = None
    links: tuple[str, ...] | None = None
    mac_address: str = ""
    driver_opts: Mapping[str, str] | None = None
    gw_priority: int = 0


@frozen(kw_only=True)
class NetworkingConfig:
    """The networks a container is to be connected to, by name."""

    endpoints_config: Mapping[str, EndpointSettings] = field(factory=dict)


@frozen(kw_only=True)
class _Beside:
    """What stands beside the fields of Config in the body."""

    host_config: HostConfig = field(factory=HostConfig)
    networking_config: NetworkingConfig = field(factory=NetworkingConfig)


@frozen(kw_only=True)
class CreateRequest:
    """A container as a client asked for it. Source: operation ContainerCreate."""

    config: Config
    host: HostConfig
    networking: NetworkingConfig

    @classmethod
    def parse(cls, body: Any) -> CreateRequest:
        """From decoded JSON. Raises BadRequest naming the field."""
        config = read(Config, body)
        beside = read(_Beside, body)
        return cls(config=config, host=beside.host_config, networking=beside.networking_config)

    def to_json(self) -> dict[str, Any]:
        """The same request again, as :meth:`parse` reads it."""
        body: dict[str, Any] = dump(self.config)
        body["HostConfig"] = dump(self.host)
        body["NetworkingConfig"] = dump(self.networking)
        return body
