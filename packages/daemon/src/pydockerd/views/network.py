"""The two networks that are always there: ``none`` and ``host``."""

from __future__ import annotations

import hashlib

from pydockerd.errors import NotFound
from pydockerd.models.network import Network
from pydockerd.models.wire import ZERO_TIME

_DRIVERS = {"none": "null", "host": "host"}


def network_id(name: str) -> str:
    """A fixed id: these two networks are the same ones on every daemon."""
    return hashlib.sha256(f"pydockerd network {name}".encode()).hexdigest()


def networks() -> list[Network]:
    """Both of them."""
    return [
        Network(name=name, id=network_id(name), created=ZERO_TIME, driver=driver) for name, driver in _DRIVERS.items()
    ]


def find_network(reference: str) -> Network:
    """By name, id, or id prefix. Raises NotFound with docker's words."""
    for network in networks():
        if reference == network.name or (reference and network.id.startswith(reference)):
            return network
    raise NotFound(f"network {reference} not found")
