"""The three files of /etc that belong to the container's network identity and not to its image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pycontainerd.containers.config import ContainerConfig

NAMES = ("hostname", "hosts", "resolv.conf")
_LOOPBACK = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "ff00::0\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)


def contents(config: ContainerConfig, hostname: str) -> dict[str, str]:
    """The texts of ``NAMES`` for a container that does not share another's network."""
    return {
        "hostname": hostname + "\n",
        "hosts": _hosts(config),
        "resolv.conf": _resolv_conf(config),
    }


def _hosts(config: ContainerConfig) -> str:
    base = _read("/etc/hosts") if config.network == "host" else _LOOPBACK
    extra = "".join(f"{address}\t{name}\n" for name, address in map(_split_host, config.extra_hosts))
    return base + extra


def _split_host(entry: str) -> tuple[str, str]:
    name, _, address = entry.partition(":")
    return name, address.strip("[]")


def _resolv_conf(config: ContainerConfig) -> str:
    lines = _read("/etc/resolv.conf").splitlines()
    for keyword, values in (("nameserver", config.dns), ("search", config.dns_search), ("options", config.dns_options)):
        if values:
            lines = [line for line in lines if line.split()[:1] != [keyword]]
            lines += _lines(keyword, values)
    return "".join(line + "\n" for line in lines)


def _lines(keyword: str, values: Iterable[str]) -> list[str]:
    if keyword == "nameserver":
        return [f"nameserver {value}" for value in values]
    return [f"{keyword} {' '.join(values)}"]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
