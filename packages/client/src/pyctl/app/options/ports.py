"""``--publish`` and ``--expose``: ports and ranges of them."""

from __future__ import annotations

from collections.abc import Iterable

from pyctl.errors import InvalidValue
from pyctl.models.create import PortBinding

_PROTOCOLS = ("tcp", "udp", "sctp")


def publish(specs: Iterable[str]) -> dict[str, list[PortBinding]]:
    """``[[IP:]HOST:]CONTAINER[/PROTOCOL]``, each port also a range ``8000-8010``. Raises `InvalidValue`."""
    bindings: dict[str, list[PortBinding]] = {}
    for spec in specs:
        address, host, container, protocol = _split(spec)
        inner = _range(container, spec)
        outer = _range(host, spec) if host else []
        if outer and len(outer) != len(inner):
            if len(inner) != 1:
                raise InvalidValue(f"invalid ranges specified for container and host Ports: {container} and {host}")
            outer = outer[:1] if len(outer) == 1 else [host]  # the daemon picks one out of the range
        for position, port in enumerate(inner):
            binding = PortBinding(host_ip=address, host_port=outer[position] if outer else "")
            bindings.setdefault(f"{port}/{protocol}", []).append(binding)
    return bindings


def expose(specs: Iterable[str]) -> list[str]:
    """``PORT[/PROTOCOL]`` and ranges as the API's ``80/tcp``. Raises `InvalidValue`."""
    found = [(_split(spec), spec) for spec in specs]
    for (address, host, _, _), spec in found:
        if address or host:
            raise InvalidValue(f"invalid port format for --expose: {spec}")
    return [f"{port}/{protocol}" for (_, _, ports, protocol), spec in found for port in _range(ports, spec)]


def _split(spec: str) -> tuple[str, str, str, str]:
    rest, _, protocol = spec.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in _PROTOCOLS:
        raise InvalidValue(f"invalid proto: {protocol}")
    address = ""
    if rest.startswith("["):
        address, _, rest = rest[1:].partition("]:")
    parts = rest.rsplit(":", 2)
    if not parts[-1]:
        raise InvalidValue(f"no port specified: {spec}<empty>")
    if len(parts) == 3:
        return parts[0], parts[1], parts[2], protocol
    return address, parts[0] if len(parts) == 2 else "", parts[-1], protocol


def _range(text: str, spec: str) -> list[str]:
    first, _, last = text.partition("-")
    last = last or first
    if not (first.isdecimal() and last.isdecimal()) or not 0 < int(first) <= int(last) <= 65535:
        raise InvalidValue(f"invalid containerPort: {spec}")
    return [str(port) for port in range(int(first), int(last) + 1)]
