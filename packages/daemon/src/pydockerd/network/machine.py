"""What the machine itself has: its routes, which no network may overlap, and whether it forwards and speaks IPv6. Read from /proc, without netlink."""

from __future__ import annotations

import fcntl
import logging
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Final

from pydockerd.network.ipam import Subnet

_logger = logging.getLogger(__name__)

_SIOCGIFADDR: Final = 0x8915
_FORWARDING: Final = {4: "/proc/sys/net/ipv4/ip_forward", 6: "/proc/sys/net/ipv6/conf/all/forwarding"}


def routes() -> list[tuple[Subnet, str]]:
    """Destinations with the links that they lead to. Default routes, multicast and link-local ones cover everything, and do not count."""
    return [*_routes4(_read("/proc/net/route")), *_routes6(_read("/proc/net/ipv6_route"))]


def _routes4(text: str) -> Iterator[tuple[Subnet, str]]:
    """Source: proc_net(5). Addresses are hexadecimal, in the machine's byte order."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(fields[at]), "little") for at in (1, 7))
        if mask:
            yield IPv4Network((IPv4Address(destination), mask.bit_count()), strict=False), fields[0]


def _routes6(text: str) -> Iterator[tuple[Subnet, str]]:
    for line in text.splitlines():
        fields = line.split()
        subnet = IPv6Network((IPv6Address(bytes.fromhex(fields[0])), int(fields[1], 16)), strict=False)
        if subnet.prefixlen and not subnet.is_link_local and not subnet.is_multicast and not subnet.is_loopback:
            yield subnet, fields[9]


def has_ipv6() -> bool:
    """Whether there is IPv6 on the machine."""
    return _read("/proc/sys/net/ipv6/conf/all/disable_ipv6").strip() == "0"


def forward(version: int) -> None:
    """Make the machine route, as dockerd does, and say so: it is the one setting that outlives the networks."""
    path = _FORWARDING[version]
    if _read(path).strip() != "0":
        return
    Path(path).write_text("1\n", encoding="ascii")
    _logger.warning(
        "%s is 1 from now on: containers reach other machines by it (--ip-forward=false keeps it as it is)", path
    )


def set_link(version: int, link: str, name: str, value: str) -> None:
    """A setting of one link, in the network namespace of the thread; what this kernel does not have is left."""
    try:
        Path(f"/proc/sys/net/ipv{version}/conf/{link}/{name}").write_text(value + "\n", encoding="ascii")
    except FileNotFoundError:
        _logger.debug("no setting %s of IPv%d on %s", name, version, link)


def link_index(name: str) -> int:
    """The number of a link; 0 when there is none of this name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def ipv4_of(name: str) -> str:
    """The first address of a link in the network namespace of this thread; empty when it has none. Source: netdevice(7), SIOCGIFADDR."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, struct.pack("16s24x", name.encode()))
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
