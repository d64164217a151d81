"""How names are looked up in containers that do not say it themselves: by the daemon's settings, as with dockerd.

The request stays as it was, and so does what an inspect shows of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from pycontainerd.containers.config import ContainerConfig
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.network.model import BRIDGE
from pydockerd.translate.namespaces import CONTAINER

HOST_GATEWAY: Final = "host-gateway"
"""Instead of an address in ``--add-host``: where the machine itself can be reached."""


async def resolving(engine: Engine, config: ContainerConfig) -> ContainerConfig:
    """The configuration with the daemon's name servers, and with addresses for ``host-gateway``. BadRequest where that has none."""
    if config.network.startswith(CONTAINER):
        return config  # these files are those of the other container
    network = engine.settings.network
    return evolve(
        config,
        dns=config.dns or tuple(map(str, network.dns)),
        dns_options=config.dns_options or network.dns_opts,
        dns_search=config.dns_search or network.dns_search,
        extra_hosts=await _hosts(engine, config.extra_hosts),
    )


async def _hosts(engine: Engine, entries: Sequence[str]) -> tuple[str, ...]:
    if not any(entry.partition(":")[2] == HOST_GATEWAY for entry in entries):
        return tuple(entries)
    gateways = await _gateways(engine)
    found: list[str] = []
    for entry in entries:
        name, _, address = entry.partition(":")
        found += [f"{name}:{each}" for each in gateways] if address == HOST_GATEWAY else [entry]
    return tuple(found)


async def _gateways(engine: Engine) -> Sequence[str]:
    said = engine.settings.network.host_gateway_ips
    if said:
        return [str(address) for address in said]
    if engine.networks.has_default:
        network = await engine.networks.get(BRIDGE)
        if found := [pool.gateway for pool in network.pools if pool.gateway]:
            return found
    raise BadRequest(f"unable to derive the IP value for {HOST_GATEWAY}")
