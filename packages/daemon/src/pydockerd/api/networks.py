"""Networks: list, create, inspect, remove, connect, disconnect, prune. Source: section Network of the Engine API."""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route, answer, empty
from pydockerd.engine import Engine
from pydockerd.models.network import NetworkConnect, NetworkCreate, NetworkCreated, NetworkDisconnect, NetworksPruned
from pydockerd.services import networks as service
from pydockerd.views.network import network_view


async def list_networks(engine: Engine, call: Call) -> web.Response:
    """NetworkList: without the containers, which only an inspect tells."""
    found = await service.select(engine, call.filters(*service.LIST_FILTERS))
    return answer([network_view(network, {}) for network in found])


async def create(engine: Engine, call: Call) -> web.Response:
    """NetworkCreate."""
    network = await service.create(engine, await call.body(NetworkCreate))
    return answer(NetworkCreated(id=network.id), 201)


async def inspect(engine: Engine, call: Call) -> web.Response:
    """NetworkInspect. ``verbose`` adds what only swarms have."""
    network = await engine.networks.get(call.path("id"))
    return answer(network_view(network, service.members(engine, network)))


async def delete(engine: Engine, call: Call) -> web.Response:
    """NetworkDelete."""
    network = await engine.networks.get(call.path("id"))
    await engine.networks.remove(network.id)
    return empty()


async def connect(engine: Engine, call: Call) -> web.Response:
    """NetworkConnect."""
    asked = await call.body(NetworkConnect)
    await service.connect(engine, call.path("id"), asked.container, asked.endpoint_config)
    return empty(200)


async def disconnect(engine: Engine, call: Call) -> web.Response:
    """NetworkDisconnect."""
    asked = await call.body(NetworkDisconnect)
    await service.disconnect(engine, call.path("id"), asked.container, force=asked.force)
    return empty(200)


async def prune(engine: Engine, call: Call) -> web.Response:
    """NetworkPrune."""
    deleted = await service.prune(engine, call.filters(*service.PRUNE_FILTERS))
    return answer(NetworksPruned(networks_deleted=deleted or None))


ROUTES = (
    Route("GET", "/networks", list_networks),
    Route("GET", "/networks/{id}", inspect),
    Route("DELETE", "/networks/{id}", delete),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/{id}/connect", connect),
    Route("POST", "/networks/{id}/disconnect", disconnect),
    Route("POST", "/networks/prune", prune),
)
