"""Links, as networks and endpoints need them. Everything blocks: it runs in the thread of `kernel`, which has a socket outside and one inside."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from pydockerd.errors import Forbidden, InternalError
from pydockerd.network import machine, netlink
from pydockerd.network.netlink import Netlink
from pydockerd.network.options import IPVLAN_FLAGS, IPVLAN_MODES

_GONE: Final = frozenset({errno.ENODEV})
_MACVLAN: Final = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}


@frozen(kw_only=True)
class Bridge:
    """A bridge as it is to be. ``named`` says that somebody has chosen its name, and may have made it himself; ``owner`` marks it as ours."""

    link: str
    owner: str
    named: bool
    addresses: tuple[str, ...]
    mac: str
    mtu: int = 0
    loopback: bool = True
    """Whether ports are published on it, and so on 127.0.0.1, too."""


@frozen
class Gateway:
    """The way to everywhere for one version of IP; without an address, straight out of the interface."""

    version: int
    address: str = ""


@frozen(kw_only=True)
class Interface:
    """What a sandbox has inside for an endpoint."""

    name: str
    mac: str = ""
    mtu: int = 0
    addresses: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()

    @property
    def has_ipv6(self) -> bool:
        """Whether it has an address of it: otherwise it does not speak it at all, as docker has it."""
        return any(":" in each for each in self.addresses)


def make_bridge(host: Netlink, bridge: Bridge) -> int:
    """Make it, or what it lacks; its number. Forbidden when somebody else has a link of this name."""
    index = host.index(bridge.link)
    if index:
        _check_ours(host, bridge)
    else:
        attributes: list[tuple[str, Any]] = [("IFLA_ADDRESS", bridge.mac)]
        if bridge.mtu:
            attributes.append(("IFLA_MTU", bridge.mtu))
        host.send(netlink.new_link(bridge.link, "bridge", attributes), _mark(bridge.link, bridge.owner))
        index = host.index(bridge.link)
    host.send(netlink.change_link(index, up=True), *(netlink.new_address(index, each) for each in bridge.addresses))
    if bridge.loopback:
        machine.set_link(4, bridge.link, "route_localnet", "1")
    return index


def is_ours(host: Netlink, link: str, owner: str) -> bool:
    """Whether we have made it, by the mark on it."""
    found = host.link(link)
    return found is not None and found.alias == owner


def delete_bridge(host: Netlink, link: str, owner: str) -> None:
    """Delete it, if it is ours; it may be gone already."""
    if is_ours(host, link, owner):
        host.send(netlink.delete_link(link, _GONE))


def _check_ours(host: Netlink, bridge: Bridge) -> None:
    found = host.link(bridge.link)
    if found is None or found.alias == bridge.owner:
        return
    if found.kind != "bridge":
        raise Forbidden(
            f"the link {bridge.link} is there already and is no bridge: delete it, or choose another name for the bridge"
        )
    if not bridge.named:
        whose = found.alias or "another program"
        raise Forbidden(
            f"the bridge {bridge.link} belongs to {whose}: delete it (ip link delete {bridge.link}), or choose another name"
        )


def _mark(link: str, owner: str) -> netlink.Message:
    return netlink.change_named(link, (("IFLA_IFALIAS", owner),), what=f"mark the link {link}")


def plug_pair(
    host: Netlink, target: int, link: str, bridge: int, inside: Interface, *, isolated: bool, hairpin: bool
) -> None:
    """A pair of links: one end a port of the bridge, the other in the network namespace of the descriptor ``target``, which is not up yet.

    ``isolated`` ports do not reach each other; with ``hairpin`` a packet may leave by the port that it came from.
    """
    mtu = [("IFLA_MTU", inside.mtu)] if inside.mtu else []
    other = netlink.peer(inside.name, [("IFLA_NET_NS_FD", target), ("IFLA_ADDRESS", inside.mac), *mtu])
    made = netlink.new_link(link, "veth", [("IFLA_MASTER", bridge), *mtu], data=[other])
    port = [[name, 1] for name, wanted in (("IFLA_BRPORT_ISOLATED", isolated), ("IFLA_BRPORT_MODE", hairpin)) if wanted]
    slave = [["IFLA_INFO_SLAVE_KIND", "bridge"], ["IFLA_INFO_SLAVE_DATA", {"attrs": port}]]
    host.send(made, *([netlink.change_named(link, [("IFLA_LINKINFO", {"attrs": slave})])] if port else []))


def mark(host: Netlink, link: str, owner: str) -> None:
    """Say that it is ours, and complete: what was interrupted before that is made again."""
    host.send(_mark(link, owner))


def unplug(host: Netlink, link: str) -> None:
    """Delete a pair by its outer end; it may be gone already."""
    host.send(netlink.delete_link(link, _GONE))


def plug_child(host: Netlink, target: int, kind: str, parent: str, mode: str, flag: str, inside: Interface) -> None:
    """A macvlan or ipvlan of ``parent``, made in the network namespace of ``target``."""
    index = host.index(parent)
    if not index:
        raise InternalError(f"the parent link {parent} does not exist")
    attributes: list[tuple[str, Any]] = [("IFLA_LINK", index), ("IFLA_NET_NS_FD", target)]
    if inside.mtu:
        attributes.append(("IFLA_MTU", inside.mtu))
    if kind == "macvlan":
        attributes.append(("IFLA_ADDRESS", inside.mac))
        data = [("IFLA_MACVLAN_MODE", _MACVLAN[mode])]
    else:
        data = [("IFLA_IPVLAN_MODE", IPVLAN_MODES.index(mode)), ("IFLA_IPVLAN_FLAGS", IPVLAN_FLAGS.index(flag))]
    host.send(netlink.new_link(inside.name, kind, attributes, data=data))


def make_parent(host: Netlink, name: str, *, base: str, vlan: int, owner: str) -> None:
    """A sub-interface for a VLAN, or a link that leads nowhere (no ``base``). One that is there is used as it is."""
    if host.index(name):
        return
    if base:
        index = host.index(base)
        if not index:
            raise Forbidden(f"the parent link {base} of {name} does not exist")
        made = netlink.new_link(name, "vlan", [("IFLA_LINK", index)], data=[("IFLA_VLAN_ID", vlan)])
    else:
        made = netlink.new_link(name, "dummy")
    host.send(made, _mark(name, owner))


def configure(inside: Netlink, interface: Interface) -> None:
    """Addresses and settings of a new interface; the thread is in the network namespace of ``inside``."""
    if not interface.has_ipv6:
        machine.set_link(6, interface.name, "disable_ipv6", "1")
    index = inside.index(interface.name)
    if not index:
        raise InternalError(f"the interface {interface.name} is not there")
    inside.send(
        netlink.change_link(1, up=True, what="start lo"),
        netlink.change_link(index, up=True, what=f"start {interface.name}"),
        *(netlink.new_address(index, each) for each in interface.addresses),
    )
    for name, value in interface.sysctls:
        _set(name.replace("IFNAME", interface.name), value)


def route(inside: Netlink, interface: str, gateways: Sequence[Gateway]) -> None:
    """Let the ways to everywhere lead out of ``interface``, instead of where they led before."""
    index = inside.index(interface)
    inside.send(*(netlink.default_route(each.version, index, each.address) for each in gateways))


def free_name(inside: Netlink, prefix: str) -> str:
    """The first name that no interface has: eth0, eth1..."""
    number = 0
    while inside.index(f"{prefix}{number}"):
        number += 1
    return f"{prefix}{number}"


def _set(name: str, value: str) -> None:
    try:
        Path(f"/proc/sys/{name}").write_text(value + "\n", encoding="ascii")
    except (OSError, UnicodeError) as error:
        raise InternalError(f"the setting {name.replace('/', '.')}={value} is not accepted: {error}") from error
