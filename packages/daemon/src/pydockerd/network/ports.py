"""What is to be published where, from docker's port specifications, and the one port of several that is tried next: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from attrs import frozen

from pydockerd.errors import BadRequest

PROTOCOLS: Final = ("tcp", "udp", "sctp")
ANY4: Final = "0.0.0.0"  # noqa: S104 - what clients are shown
ANY6: Final = "::"


@frozen(order=True)
class Port:
    """A port of a sandbox."""

    number: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


@frozen
class Wish:
    """``port`` is to be reached by one port of the machine from ``first`` to ``last``; both 0: by any. ``host_ip`` empty: by all addresses."""

    port: Port
    host_ip: str = ""
    first: int = 0
    last: int = 0


def parse_port(text: str) -> Port:
    """``80/tcp`` and ``80``. BadRequest in docker's words."""
    number, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise BadRequest(f"invalid port specification: {text}: invalid protocol: {protocol}")
    return Port(_number(number, text), protocol)


def parse_ports(text: str) -> list[Port]:
    """One, or a range: ``8000-8010/udp``."""
    numbers, _, protocol = text.partition("/")
    first, dash, last = numbers.partition("-")
    if not dash:
        return [parse_port(text)]
    low, high = _number(first, text), _number(last, text)
    if high < low:
        raise BadRequest(f"invalid range format for port: {text}")
    return [parse_port(f"{number}/{protocol or 'tcp'}") for number in range(low, high + 1)]


def wishes(bindings: Mapping[str, Iterable[tuple[str, str]]], exposed: Iterable[str] = ()) -> tuple[Wish, ...]:
    """Of (address, port) pairs by port of the sandbox; ``exposed`` are those that get any port, if they are not among them. BadRequest."""
    found = {parse_port(text): [_wish(parse_port(text), *pair) for pair in pairs] for text, pairs in bindings.items()}
    for text in exposed:
        for port in parse_ports(text):
            found.setdefault(port, [Wish(port)])
    return tuple(wish for port in sorted(found) for wish in found[port] or [Wish(port)])


def _wish(port: Port, host_ip: str, host_port: str) -> Wish:
    if host_ip:
        try:
            host_ip = str(ip_address(host_ip.strip("[]")))
        except ValueError:
            raise BadRequest(f"invalid IP address: {host_ip}") from None
    first, dash, last = host_port.partition("-")
    if not first or first == "0":
        return Wish(port, host_ip)
    low = _number(first, host_port)
    high = _number(last, host_port) if dash else low
    if high < low:
        raise BadRequest(f'invalid port specification: "{host_port}"')
    return Wish(port, host_ip, low, high)


def _number(text: str, whole: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise BadRequest(f'invalid port specification: "{whole}"')
    return int(text)


def addresses(wish: Wish, *, default: str, ipv4: bool, ipv6: bool) -> tuple[IPv4Address | IPv6Address, ...]:
    """Those of the machine on which it is opened. ``default`` is what no address stands for: with 0.0.0.0 it is all of IPv6, too."""
    if wish.host_ip:
        return (ip_address(wish.host_ip),)
    if default not in {"", ANY4, ANY6}:
        return (ip_address(default),)
    return tuple(ip_address(text) for text, spoken in ((ANY4, ipv4), (ANY6, ipv6)) if spoken)


def candidates(wish: Wish, ephemeral: Sequence[int], after: int) -> Iterator[int]:
    """Ports in the order in which they are tried; of ``ephemeral`` ones first those behind ``after``, which was the last one given away."""
    if wish.first:
        yield from range(wish.first, wish.last + 1)
        return
    start = after - ephemeral[0] + 1 if after in ephemeral else 0
    yield from ephemeral[start:]
    yield from ephemeral[:start]
