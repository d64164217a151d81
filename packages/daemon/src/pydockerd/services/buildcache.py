"""The cache of builds for the API: what it takes, and pruning it.

A layer that an image has as well costs nothing here: it is *shared*. Records of steps that have changed no file are not shown; they go with what is pruned
by ``all``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from pycontainerd import tree
from pydockerd.builder.cache import MOUNT, Record, release
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.filters import Filters
from pydockerd.models.build import BuildCacheRecord
from pydockerd.times import moment_ns

FILTERS: Final = (
    *("until", "unused-for", "id", "parent", "type", "description", "inuse", "shared", "private"),
    *("label", "label!"),  # docker system prune hands its own on; no record has a label
)


async def records(engine: Engine) -> list[BuildCacheRecord]:
    """All that take something, the one that was used longest ago first."""
    shared = _shared(engine)
    found = [record for record in await engine.build_cache.list() if record.kind == MOUNT or record.layer is not None]
    return [await _shown(engine, record, shared) for record in found]


async def prune(
    engine: Engine, filters: Filters, *, everything: bool, keep: int, most: int, free: int
) -> tuple[tuple[str, ...], int]:
    """Remove what nobody uses, the one that was used longest ago first; the ids that went, and the bytes they had.

    Not ``everything``: what images share stays. ``keep``: so many bytes stay; ``most``: it ends when no more than these are left; ``free``: when the
    disk has so many. 0 is no limit.
    """
    if not filters.labels({}):
        return (), 0
    until = [
        moment
        for name in ("until", "unused-for")
        for value in filters.get(name)
        if (moment := moment_ns(name, value)) is not None
    ]
    shown = await records(engine)
    total = sum(record.size for record in shown if not record.shared)
    going, reclaimed = list[str](), 0
    for record in shown:
        left = total - reclaimed
        if (keep and left <= keep) or (most and left <= most) or (free and _free(engine) + reclaimed >= free):
            break
        if record.in_use or (record.shared and not everything) or not _wanted(record, filters, until):
            continue
        going.append(record.id)
        reclaimed += 0 if record.shared else record.size
    await _remove(engine, going, everything=everything and not filters.values and not (keep or most or free))
    await engine.supervisor.events.publish("builder", "prune", "", {"reclaimed": str(reclaimed)})
    return tuple(going), reclaimed


async def _remove(engine: Engine, keys: Sequence[str], *, everything: bool) -> None:
    cache, going = engine.build_cache, set(keys)
    known = await cache.list()
    kept = {each.layer.digest for each in known if each.layer is not None and each.key not in going}
    layers = {each.layer.digest for each in known if each.layer is not None and each.key in going} - kept
    if everything:
        going |= {each.key for each in known if each.layer is None and each.kind != MOUNT}
    await cache.forget(going)
    for each in known:
        if each.kind == MOUNT and each.key in going:
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(tree.remove, cache.mount_directory(each.key))
    await release(engine.supervisor, layers)


def _wanted(record: BuildCacheRecord, filters: Filters, until: Iterable[int]) -> bool:
    if any(record.last_used_at.timestamp() * 1e9 > moment for moment in until):
        return False
    if filters.get("parent"):
        return False  # a record is known by what went into it, and has no parents
    if filters.get("description") and not any(text in record.description for text in filters.get("description")):
        return False
    flags = {"inuse": record.in_use, "shared": record.shared, "private": not record.shared}
    for name, value in flags.items():
        if name in filters.values and not _says(filters, name, value):
            return False
    ids = filters.get("id")
    return (not ids or any(record.id.startswith(each) for each in ids)) and filters.one_of("type", record.type)


def _says(filters: Filters, name: str, value: bool) -> bool:
    """``inuse`` alone is ``inuse=true``."""
    said = filters.get(name)
    if said in ((), ("",)):
        return value
    try:
        return filters.flag(name, True) is value
    except BadRequest:
        raise BadRequest(f"invalid filter '{name}': true or false is needed") from None


def _shared(engine: Engine) -> frozenset[str]:
    return frozenset(layer.digest for image in engine.supervisor.images.list() for layer in image.blobs)


async def _shown(engine: Engine, record: Record, shared: frozenset[str]) -> BuildCacheRecord:
    size = record.layer.size if record.layer is not None else 0
    if record.kind == MOUNT:
        with contextlib.suppress(OSError):
            size, _ = await asyncio.to_thread(tree.measure, str(engine.build_cache.mount_directory(record.key)))
    return BuildCacheRecord(
        id=record.key,
        type=record.kind,
        description=record.description,
        in_use=engine.build_cache.is_busy(record.key),
        shared=record.layer is not None and record.layer.digest in shared,
        size=size,
        created_at=datetime.fromtimestamp(record.made_ns / 1e9, UTC),
        last_used_at=datetime.fromtimestamp(record.used_ns / 1e9, UTC),
        usage_count=record.uses,
    )


def _free(engine: Engine) -> int:
    status = os.statvfs(engine.settings.data_root)
    return status.f_bavail * status.f_frsize
