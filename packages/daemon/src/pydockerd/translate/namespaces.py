"""Namespace modes: docker's words (``default``, ``bridge``, ``container:x``) to the supervisor's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydockerd.errors import BadRequest
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig

CONTAINER = "container:"
MANAGED = "managed"
"""The supervisor's word for a network namespace that a provider connects: `pydockerd.network`."""


def network(request: CreateRequest) -> str:
    """Where the container's network is.

    A network that does not exist is no fault of a create request: it may come before the start, which is where it is looked up.
    """
    mode = request.host.network_mode
    if request.config.network_disabled:
        return "none"
    if mode in {"host", "none"}:
        return mode
    return _joined(mode, "network") if mode.startswith(CONTAINER) else MANAGED


_OWN_NETWORK: Final = MappingProxyType(
    {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
)


def own_network(request: CreateRequest, userns: str) -> Mapping[str, str]:
    """What anybody may do in a network namespace of his own, as dockerd has it: listen below 1024, and ping."""
    if network(request) not in {MANAGED, "none"} or userns != "host":
        return {}
    return _OWN_NETWORK


def pid(mode: str) -> str:
    """``private`` unless it is the host's or another container's."""
    return _mode(mode, "PID", {"host"}, container=True)


def ipc(mode: str) -> str:
    """``private``, ``shareable``, ``none``, ``host`` or another container's."""
    return _mode(mode, "IPC", {"host", "shareable", "none", "private"}, container=True)


def uts(mode: str) -> str:
    """``private`` or ``host``."""
    return _mode(mode, "UTS", {"host"})


def cgroup(mode: str) -> str:
    """``private`` or ``host``."""
    return _mode(mode, "cgroup namespace", {"host", "private"})


def user(host: HostConfig, *, remapped: bool) -> str:
    """``private`` where the daemon remaps users and the container does not opt out by ``host``; what docker refuses together with it is refused."""
    mode = host.userns_mode
    if mode not in {"", "host"}:
        raise BadRequest(f"invalid user namespace mode: {mode}")
    if not remapped or mode == "host":
        return "host"
    if host.privileged:
        raise BadRequest(
            "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode"
        )
    if host.network_mode == "host":
        raise BadRequest("cannot share the host's network namespace when user namespaces are enabled")
    if host.pid_mode == "host":
        raise BadRequest("cannot share the host PID namespace when user namespaces are enabled")
    return "private"


def _mode(mode: str, kind: str, words: set[str], *, container: bool = False) -> str:
    if mode == "":
        return "private"
    if mode in words:
        return mode
    if container and mode.startswith(CONTAINER):
        return _joined(mode, kind)
    raise BadRequest(f"invalid {kind} mode: {mode}")


def _joined(mode: str, kind: str) -> str:
    if not mode.removeprefix(CONTAINER):
        raise BadRequest(f"invalid {kind} mode: {mode}: name or id of the container is missing")
    return mode
