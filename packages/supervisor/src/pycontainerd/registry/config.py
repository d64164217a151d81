"""How registries are reached, as one value."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen


@frozen(kw_only=True)
class RegistryConfig:
    """All of it has docker's meanings.

    ``mirrors`` are asked before a registry, by its domain: addresses (``https://mirror.example``) or host names. ``insecure`` are hosts,
    with their port if they have one, or networks (``10.0.0.0/8``) whose certificates are not checked and that may speak plain HTTP; this machine
    itself is always among them. ``certificates`` is a directory like docker's certs.d: ``HOST:PORT/*.crt`` are authorities to trust for that host,
    and ``*.cert`` with ``*.key`` what to show to it. A host that has an authority there is always checked. ``credentials`` is docker's configuration file, by
    default ``$DOCKER_CONFIG/config.json`` or ``~/.docker/config.json``; credential helpers that it names are asked.

    ``downloads`` and ``uploads`` are how many layers of one image go at once. A request is attempted ``attempts`` times, and begins to wait at
    ``pause`` seconds, twice as long each time, up to ``longest_pause``. A connection on which less than a kilobyte a second has come for ``stall``
    seconds is given up. Blobs are pushed in chunks of ``chunk`` bytes.
    """

    mirrors: Mapping[str, tuple[str, ...]] = field(factory=dict)
    insecure: tuple[str, ...] = ()
    certificates: Path = Path("/etc/docker/certs.d")
    credentials: Path | None = None
    downloads: int = 4
    uploads: int = 4
    attempts: int = 5
    pause: float = 0.5
    longest_pause: float = 30.0
    stall: float = 30.0
    chunk: int = 16 << 20

    def is_insecure(self, host: str) -> bool:
        """Whether ``host`` (``NAME`` or ``NAME:PORT``) need not prove who it is."""
        name = host_name(host)
        if name == "localhost" or host in self.insecure or name in self.insecure:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._networks())

    def _networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        found = []
        for text in self.insecure:
            if "/" in text:
                try:
                    found.append(ipaddress.ip_network(text, strict=False))
                except ValueError:
                    continue
        return found


def host_name(host: str) -> str:
    """``host`` without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
