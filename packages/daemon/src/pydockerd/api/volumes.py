"""Volumes: list, create, inspect, remove, prune. Source: section Volume of the Engine API."""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route, answer, empty
from pydockerd.engine import Engine
from pydockerd.errors import Unavailable
from pydockerd.models.volume import VolumeCreate, VolumeList, VolumesPruned
from pydockerd.services import volumes as service
from pydockerd.views.volume import volume_view


async def list_volumes(engine: Engine, call: Call) -> web.Response:
    """VolumeList."""
    found = service.select(engine, call.filters(*service.LIST_FILTERS))
    return answer(VolumeList(volumes=tuple(volume_view(volume) for volume in found)))


async def create(engine: Engine, call: Call) -> web.Response:
    """VolumeCreate."""
    return answer(volume_view(await service.create(engine, await call.body(VolumeCreate))), 201)


async def inspect(engine: Engine, call: Call) -> web.Response:
    """VolumeInspect."""
    return answer(volume_view(engine.volumes.get(call.path("name"))))


async def update(engine: Engine, call: Call) -> web.Response:
    """VolumeUpdate: there are no cluster volumes outside of a swarm."""
    raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")


async def delete(engine: Engine, call: Call) -> web.Response:
    """VolumeDelete."""
    await service.remove(engine, call.path("name"), force=call.flag("force"))
    return empty()


async def prune(engine: Engine, call: Call) -> web.Response:
    """VolumePrune. Before 1.42 named volumes went, too."""
    filters = call.filters(*service.PRUNE_FILTERS)
    named = service.check_all(filters) or call.version < (1, 42)
    deleted, reclaimed = await service.prune(engine, filters, named=named)
    return answer(VolumesPruned(volumes_deleted=deleted, space_reclaimed=reclaimed))


ROUTES = (
    Route("GET", "/volumes", list_volumes),
    Route("POST", "/volumes/create", create),
    Route("GET", "/volumes/{name}", inspect),
    Route("PUT", "/volumes/{name}", update),
    Route("DELETE", "/volumes/{name}", delete),
    Route("POST", "/volumes/prune", prune),
)
