"""linux.netDevices and the loopback: what a network namespace has when the container starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyrunc import plan as op
from pyrunc.compile.request import Request
from pyrunc.plan import Operation

NET_DEVICES = "netDevices"
"""The point at which the container process waits for its devices."""


def network(request: Request) -> Iterator[Operation]:
    """The loopback of a new namespace is brought up; then the caller, who can reach both namespaces, moves the devices."""
    if request.linux.makes("network"):
        yield op.LoopbackUp(path="linux.namespaces")
    if request.linux.net_devices:
        yield op.Sync(path="linux.netDevices", point=NET_DEVICES)


def moved_devices(request: Request) -> Mapping[str, str]:
    """Names outside to names inside."""
    return {name: device.name or name for name, device in request.linux.net_devices.items()}
