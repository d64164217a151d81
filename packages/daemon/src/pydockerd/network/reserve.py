"""Ports of the machine that are given away: each held by a socket, so that no other program, and no container, can have it too.

Packets for a published port are sent on to the sandbox before they come to a socket, so nothing ever arrives at these; but for what cannot be sent
on by packet rules: IPv6 for a sandbox that has only IPv4. There, TCP connections are taken and passed on (`proxy`), as dockerd's proxy does.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from attrs import define, field

from pydockerd.errors import InternalError
from pydockerd.network.ports import Wish, candidates

Address = IPv4Address | IPv6Address
Key = tuple[str, Address, int]
"""Protocol, address, port."""

_TYPES: Final = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}
_UNSPOKEN: Final = {errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT}
_BACKLOG: Final = 128


@define
class Held:
    """One port of one protocol on some addresses. ``sockets`` are by address; where the kernel does not speak the protocol there is none."""

    protocol: str
    port: int
    sockets: dict[Address, socket.socket | None]

    def close(self) -> None:
        for held in self.sockets.values():
            if held is not None:
                held.close()


@define
class Reservations:
    """All ports that one daemon has given away, by what has them."""

    _held: dict[str, list[Held]] = field(factory=dict)
    _taken: set[Key] = field(factory=set)
    _last: int = 0

    def take(self, owner: str, wish: Wish, addresses: Sequence[Address]) -> Held:
        """The first port of the wish that is free on all ``addresses``. InternalError in docker's words: it answers 500."""
        tried: InternalError | None = None
        for port in candidates(wish, ephemeral_ports(), self._last):
            try:
                held = self._open(wish.port.protocol, addresses, port)
            except InternalError as error:
                tried = error
                continue
            self._held.setdefault(owner, []).append(held)
            self._taken.update((held.protocol, address, port) for address in held.sockets)
            if not wish.first:
                self._last = port
            return held
        if tried is None or (wish.first != wish.last and wish.first):
            raise InternalError("all ports are allocated")
        raise tried

    def again(self, owner: str, protocol: str, addresses: Iterable[Address], port: int) -> Held:
        """Hold a port once more that the owner has had since before this daemon. InternalError."""
        held = self._open(protocol, tuple(addresses), port)
        self._held.setdefault(owner, []).append(held)
        self._taken.update((protocol, address, port) for address in held.sockets)
        return held

    def release(self, owner: str) -> list[Held]:
        """Give back all that it has; what that was."""
        gone = self._held.pop(owner, [])
        for held in gone:
            self._taken.difference_update((held.protocol, address, held.port) for address in held.sockets)
            held.close()
        return gone

    def close(self) -> None:
        """Give back everything."""
        for owner in [*self._held]:
            self.release(owner)

    def _open(self, protocol: str, addresses: Sequence[Address], port: int) -> Held:
        sockets: dict[Address, socket.socket | None] = {}
        try:
            for address in addresses:
                self._check(protocol, address, port)
                sockets[address] = _bound(protocol, address, port)
        except BaseException:
            Held(protocol, port, sockets).close()
            raise
        return Held(protocol, port, sockets)

    def _check(self, protocol: str, address: Address, port: int) -> None:
        everywhere = type(address)(0)
        for taken_protocol, taken, taken_port in self._taken:
            same = (taken_protocol, taken_port) == (protocol, port) and type(taken) is type(address)
            if same and (everywhere in {taken, address} or taken == address):
                raise InternalError(f"Bind for {shown(address)}:{port} failed: port is already allocated")


def _bound(protocol: str, address: Address, port: int) -> socket.socket | None:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(socket.socket(family, *_TYPES[protocol]))
        except OSError as error:
            if error.errno in _UNSPOKEN:
                return None
            raise
        if protocol == "udp":
            held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the kernel's least: what comes here is not read
        else:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is left of connections is not in the way
        if family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            held.bind((str(address), port))
            if protocol != "udp":
                held.listen(_BACKLOG)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InternalError(f"failed to bind host port {shown(address)}:{port}/{protocol}: {reason}") from error
        held.setblocking(False)
        stack.pop_all()
        return held


def shown(address: Address) -> str:
    """As it stands before a colon and a port."""
    return f"[{address}]" if address.version == 6 else str(address)


def ephemeral_ports() -> range:
    """Those that are given away by themselves: the kernel's own, ip_local_port_range of ip(7)."""
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    except (OSError, ValueError):
        low, high = 32768, 60999
    return range(low, high + 1)
