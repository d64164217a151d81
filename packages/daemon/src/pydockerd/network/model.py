"""Networks, attachments, endpoints: what is recorded, as values. Addresses are texts here, as they are stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

BRIDGE: Final = "bridge"
"""The name of the default network, and of its driver."""
HOST: Final = "host"
NONE: Final = "none"
BUILT_IN: Final = frozenset({BRIDGE, HOST, NONE})

DRIVERS: Final = {BRIDGE: "bridge", HOST: "host", NONE: "null"}
"""The drivers of the networks that are always there."""


@frozen(kw_only=True)
class Pool:
    """Addresses of a network: ``range`` is the part of ``subnet`` that they are taken from by themselves, ``aux`` what must not be taken."""

    subnet: str
    range: str = ""
    gateway: str = ""
    aux: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Network:
    """``pools`` have their subnets and gateways; ``asked`` says whether somebody has named the first IPv4 subnet, which is what fixed addresses need."""

    id: str
    name: str
    driver: str
    created_ns: int
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    config_only: bool = False
    config_from: str = ""
    ipam_driver: str = "default"
    ipam_options: Mapping[str, str] = field(factory=dict)
    pools: tuple[Pool, ...] = ()
    asked: bool = False
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)

    @property
    def is_default(self) -> bool:
        """Whether it is the network of those who ask for none."""
        return self.name == BRIDGE

    @property
    def is_built_in(self) -> bool:
        """Whether it can be neither made nor removed."""
        return self.name in BUILT_IN


@frozen(kw_only=True)
class Attachment:
    """What is wanted of one network. ``network`` is its name or id, as it was asked for."""

    network: str
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    ipv4: str = ""
    ipv6: str = ""
    link_local: tuple[str, ...] = ()
    mac: str = ""
    driver_opts: Mapping[str, str] = field(factory=dict)
    gw_priority: int = 0


@frozen(kw_only=True)
class Published:
    """A port of the machine that leads to one of a sandbox; ``protocol`` is ``tcp``, ``udp`` or ``sctp``."""

    protocol: str
    port: int
    host_ip: str
    host_port: int


@frozen(kw_only=True)
class Endpoint:
    """An attachment come true. ``ipv4`` and ``ipv6`` have their prefix lengths (``172.17.0.2/16``), or are empty."""

    id: str
    network_id: str
    sandbox: str
    attachment: Attachment
    interface: str
    """Its name inside."""
    link: str = ""
    """The name of what is left of it outside: the other end of the pair; empty where there is none."""
    mac: str = ""
    ipv4: str = ""
    ipv6: str = ""
    gateway4: str = ""
    gateway6: str = ""
    names: tuple[str, ...] = ()
    """What others on the network may call it."""
    published: tuple[Published, ...] = ()


def address(interface: str) -> str:
    """An address without its prefix length."""
    return interface.partition("/")[0]
