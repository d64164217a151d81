"""The options of the drivers: docker's names, checked once when a network is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from attrs import frozen

from pydockerd.errors import BadRequest
from pydockerd.network.model import BRIDGE, Network

_PREFIX: Final = "com.docker.network."
NAME: Final = f"{_PREFIX}bridge.name"
ICC: Final = f"{_PREFIX}bridge.enable_icc"
MASQUERADE: Final = f"{_PREFIX}bridge.enable_ip_masquerade"
HOST_BINDING4: Final = f"{_PREFIX}bridge.host_binding_ipv4"
MTU: Final = f"{_PREFIX}driver.mtu"
IFACE_PREFIX: Final = f"{_PREFIX}container_iface_prefix"
GATEWAY_MODE: Final = {4: f"{_PREFIX}bridge.gateway_mode_ipv4", 6: f"{_PREFIX}bridge.gateway_mode_ipv6"}
HOST_IP: Final = {4: f"{_PREFIX}host_ipv4", 6: f"{_PREFIX}host_ipv6"}
DEFAULT_BRIDGE: Final = f"{_PREFIX}bridge.default_bridge"
ENDPOINT_SYSCTLS: Final = f"{_PREFIX}endpoint.sysctls"
ENDPOINT_IFNAME: Final = f"{_PREFIX}endpoint.ifname"

_MODES: Final = frozenset({"", "nat", "nat-unprotected", "routed", "isolated"})
_LINK: Final = re.compile(r"[^/\s:\"\\]{1,15}")
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@frozen(kw_only=True)
class BridgeOptions:
    """Of docker's driver ``bridge``."""

    link: str
    icc: bool = True
    masquerade: bool = True
    host_binding: str = ""
    mtu: int = 0
    prefix: str = "eth"
    mode4: str = "nat"
    mode6: str = "nat"
    host_ipv4: str = ""
    host_ipv6: str = ""

    @property
    def direct(self) -> bool:
        """Whether everybody who has a route may reach the sandboxes, published or not."""
        return "nat-unprotected" in {self.mode4, self.mode6}

    def masquerades(self, version: int) -> bool:
        """Whether what leaves has the machine's address."""
        return self.masquerade and self.translates(version)

    def translates(self, version: int) -> bool:
        """Whether published ports are translated; or only let through."""
        return (self.mode4 if version == 4 else self.mode6).startswith("nat")

    def has_gateway(self, version: int) -> bool:
        """Whether the bridge itself has an address: not if the network is to be without the machine."""
        return (self.mode4 if version == 4 else self.mode6) != "isolated"


def bridge_options(network: Network) -> BridgeOptions:
    """BadRequest names an option that is wrong; ones that are not known are kept, as docker keeps them."""
    said = network.options
    link = said.get(NAME) or f"br-{network.id[:12]}"
    if not _LINK.fullmatch(link) or link in {".", ".."}:
        raise BadRequest(f"invalid value for {NAME}: {link!r} cannot be the name of a link")
    modes = {version: _mode(said, name) for version, name in GATEWAY_MODE.items()}
    if "isolated" in modes.values() and not network.internal:
        raise BadRequest("gateway mode 'isolated' can only be used for an internal network")
    return BridgeOptions(
        link=link,
        icc=flag(said, ICC, default=True),
        masquerade=flag(said, MASQUERADE, default=True),
        host_binding=_ip(said, HOST_BINDING4),
        mtu=_integer(said, MTU),
        prefix=_interface(said.get(IFACE_PREFIX) or "eth", IFACE_PREFIX),
        mode4=modes[4],
        mode6=modes[6],
        host_ipv4=_ip(said, HOST_IP[4]),
        host_ipv6=_ip(said, HOST_IP[6]),
    )


@frozen(kw_only=True)
class ChildOptions:
    """Of ``macvlan`` and ``ipvlan``: links that are children of another. ``vlan`` is the number of a sub-interface that is made; 0 for none.

    ``dummy`` says that there was no parent given: the network is then as if it were internal, on a link of its own that leads nowhere.
    """

    parent: str
    mode: str
    flag: str = ""
    vlan: int = 0
    base: str = ""
    dummy: bool = False
    mtu: int = 0


MACVLAN_MODES: Final = ("bridge", "private", "vepa", "passthru")
IPVLAN_MODES: Final = ("l2", "l3", "l3s")
IPVLAN_FLAGS: Final = ("bridge", "private", "vepa")


def child_options(network: Network) -> ChildOptions:
    """Of a network whose driver is one of the two. BadRequest."""
    said = network.options
    modes: tuple[str, ...] = MACVLAN_MODES
    if network.driver == "macvlan":
        mode, flag_ = said.get("macvlan_mode") or "bridge", ""
    else:
        mode, modes, flag_ = said.get("ipvlan_mode") or "l2", IPVLAN_MODES, said.get("ipvlan_flag") or "bridge"
    if mode not in modes:
        raise BadRequest(
            f"requested {network.driver} mode '{mode}' is not valid, '{modes[0]}' mode is the {network.driver} driver default"
        )
    if flag_ and flag_ not in IPVLAN_FLAGS:
        raise BadRequest(f"requested ipvlan flag '{flag_}' is not valid, 'bridge' mode is the ipvlan driver default")
    parent = said.get("parent", "")
    dummy = not parent
    parent = parent or f"dm-{network.id[:12]}"
    if not _LINK.fullmatch(parent):
        raise BadRequest(f"invalid value for parent: {parent!r} cannot be the name of a link")
    base, dot, number = parent.rpartition(".")
    vlan = int(number) if dot and number.isascii() and number.isdigit() and 0 < int(number) < 4095 else 0
    return ChildOptions(
        parent=parent, mode=mode, flag=flag_, vlan=vlan, base=base if vlan else "", dummy=dummy, mtu=_integer(said, MTU)
    )


def flag(said: Mapping[str, str], name: str, *, default: bool) -> bool:
    """As Go's strconv.ParseBool reads it."""
    text = said.get(name, "")
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text == "":
        return default
    raise BadRequest(f'failed to parse {name} value: {text} (strconv.ParseBool: parsing "{text}": invalid syntax)')


def sysctls(driver_opts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Settings of one interface: ``net.ipv4.conf.IFNAME.log_martians=1,...``, where IFNAME stands for its name. BadRequest."""
    found = []
    for entry in filter(None, driver_opts.get(ENDPOINT_SYSCTLS, "").split(",")):
        name, equals, value = entry.partition("=")
        parts = name.split(".")
        if not equals or len(parts) < 5 or parts[0] != "net" or parts[3] != "IFNAME" or "/" in name:
            raise BadRequest(
                f"invalid endpoint sysctl setting {entry!r}: expected net.PROTOCOL.FAMILY.IFNAME.NAME=VALUE"
            )
        found.append((name.replace(".", "/"), value))
    return found


def interface_name(driver_opts: Mapping[str, str]) -> str:
    """What the interface is to be called inside; empty for the next free one."""
    name = driver_opts.get(ENDPOINT_IFNAME, "")
    return _interface(name, ENDPOINT_IFNAME) if name else ""


def _interface(name: str, option: str) -> str:
    if not _LINK.fullmatch(name):
        raise BadRequest(f"invalid value for {option}: {name!r} cannot be the name of a link")
    return name


def _mode(said: Mapping[str, str], name: str) -> str:
    mode = said.get(name, "")
    if mode not in _MODES:
        raise BadRequest(f"unknown gateway mode {mode}")
    return mode or "nat"


def _ip(said: Mapping[str, str], name: str) -> str:
    text = said.get(name, "")
    if not text:
        return ""
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadRequest(f"failed to parse {name} value: {text} (invalid ip address)") from None


def _integer(said: Mapping[str, str], name: str) -> int:
    text = said.get(name, "")
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or not 68 <= int(text) <= 65535:
        raise BadRequest(f"failed to parse {name} value: {text} (expected a number of bytes from 68 to 65535)")
    return int(text)


KNOWN_DRIVERS: Final = (BRIDGE, "macvlan", "ipvlan")
