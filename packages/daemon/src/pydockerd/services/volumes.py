"""Volumes for the API: choosing, making, removing, pruning and counting them."""

from __future__ import annotations

import asyncio

from pydockerd.engine import Engine
from pydockerd.errors import ApiError, BadRequest, NotFound, Unavailable
from pydockerd.filters import Filters
from pydockerd.models.volume import VolumeCreate
from pydockerd.services.mounts import told
from pydockerd.volumes.volume import LOCAL, Volume

LIST_FILTERS = ("dangling", "driver", "label", "label!", "name")
PRUNE_FILTERS = ("all", "label", "label!")


def select(engine: Engine, filters: Filters) -> list[Volume]:
    """The volumes that a list shows, by name."""
    return [volume for volume in engine.volumes.list() if _wanted(engine, volume, filters)]


async def create(engine: Engine, asked: VolumeCreate) -> Volume:
    """A new one, or the one that has this name. Raises BadRequest, NotFound, Unavailable."""
    if asked.cluster_volume_spec is not None:
        raise Unavailable("volume driver is not available: this node is not a swarm manager")
    volume, fresh = await engine.volumes.create(asked.name, asked.driver, asked.driver_opts, asked.labels)
    if fresh:
        await told(engine, "create", volume)
    return volume


async def remove(engine: Engine, name: str, *, force: bool) -> None:
    """Raises NotFound unless ``force``; Conflict while a container has it."""
    try:
        volume = engine.volumes.get(name)
        await engine.volumes.remove(name)
    except NotFound:
        if force:
            return
        raise
    await told(engine, "destroy", volume)


async def prune(engine: Engine, filters: Filters, *, named: bool) -> tuple[tuple[str, ...], int]:
    """Remove those that no container has, the anonymous ones or all (``named``); the names that went, and the bytes they had."""
    deleted, reclaimed = [], 0
    for volume in engine.volumes.list():
        if engine.volumes.references(volume.name) or not (named or volume.anonymous):
            continue
        if not filters.labels(volume.labels):
            continue
        size = await asyncio.to_thread(engine.volumes.size, volume)
        try:
            await engine.volumes.remove(volume.name)
        except ApiError:
            continue  # somebody has come to use it, or was faster
        await told(engine, "destroy", volume)
        deleted.append(volume.name)
        reclaimed += size
    await engine.supervisor.events.publish("volume", "prune", "", {"reclaimed": str(reclaimed)})
    return tuple(deleted), reclaimed


async def counted(engine: Engine) -> list[tuple[Volume, int, int]]:
    """All, each with its size in bytes and the number of containers that have it."""
    return [
        (volume, await asyncio.to_thread(engine.volumes.size, volume), len(engine.volumes.references(volume.name)))
        for volume in engine.volumes.list()
    ]


def _wanted(engine: Engine, volume: Volume, filters: Filters) -> bool:
    if filters.get("dangling") and filters.flag("dangling", False) == bool(engine.volumes.references(volume.name)):
        return False
    names = filters.get("name")
    return (
        filters.one_of("driver", LOCAL)
        and filters.labels(volume.labels)
        and (not names or any(part in volume.name for part in names))
    )


def check_all(filters: Filters) -> bool:
    """Whether named volumes are to go, too. Raises BadRequest in docker's words."""
    try:
        return filters.flag("all", False)
    except BadRequest:
        raise BadRequest(f"invalid filter 'all={list(filters.get('all'))}'") from None
