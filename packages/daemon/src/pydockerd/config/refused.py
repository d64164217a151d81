"""Options that dockerd has and pydockerd does not: each is refused by its name, and with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SWARM: Final = "there is no swarm here"
_PROXY: Final = "registries are asked directly; registry-mirrors may name a mirror that is nearer"
_CONTAINERD: Final = "the supervisor is part of the daemon: there is no containerd to talk to"
_REALTIME: Final = "give real-time limits to single containers"

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "allow-nondistributable-artifacts": "dockerd has it no more",
        "api-cors-header": "dockerd has it no more: put a proxy in front of the daemon",
        "builder": "there is no garbage collection of builds to be set up",
        "containerd": _CONTAINERD,
        "containerd-namespace": _CONTAINERD,
        "containerd-plugin-namespace": _CONTAINERD,
        "containerd-plugins-namespace": _CONTAINERD,
        "cpu-rt-period": _REALTIME,
        "cpu-rt-runtime": _REALTIME,
        "cri-containerd": _CONTAINERD,
        "firewall-backend": "packet rules are nftables'",
        "http-proxy": _PROXY,
        "https-proxy": _PROXY,
        "init-path": "the process 1 of --init is part of pyrunc",
        "network-control-plane-mtu": _SWARM,
        "no-proxy": _PROXY,
        "node-generic-resources": _SWARM,
        "node-generic-resource": _SWARM,
        "oom-score-adjust": "dockerd has it no more: whoever starts the daemon sets it",
        "proxies": _PROXY,
        "rootless": "pydockerd is run by root",
        "storage-opts": "the storage drivers here have no options",
        "storage-opt": "the storage drivers here have no options",
        "swarm-default-advertise-addr": _SWARM,
        "userland-proxy-path": "there is no separate program for it",
    }
)
"""Key of the file, and name of the flag."""
