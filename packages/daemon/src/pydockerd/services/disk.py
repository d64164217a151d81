"""Disk usage: what images, containers and volumes take, in the form of the client's API version.

A layer that several images have is on the disk once: it counts once in a total, and as shared with each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from attrs import frozen

from pycontainerd.images.image import Image
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.filters import Filters
from pydockerd.models.container import ContainerSummary
from pydockerd.models.volume import UsageData, Volume
from pydockerd.services import buildcache, containers, images, volumes
from pydockerd.views.container import summary
from pydockerd.views.volume import volume_view

KINDS: Final = ("container", "image", "volume", "build-cache")
_BUSY: Final = frozenset({"running", "paused", "restarting"})

T = TypeVar("T")


@frozen(kw_only=True)
class Share:
    """What one kind takes: bytes in all, and of those the ones that nothing uses. ``active`` is how many of the ``items`` are used."""

    items: Sequence[Any] = ()
    active: int = 0
    size: int = 0
    reclaimable: int = 0


async def usage(engine: Engine, kinds: Collection[str], *, old_form: bool, verbose: bool = False) -> dict[str, Any]:
    """Answer of SystemDataUsage; ``kinds`` are the types that were asked for, none means all. BadRequest for one that there is not."""
    for kind in kinds:
        if kind not in KINDS:
            raise BadRequest(f"unknown object type: {kind}")
    wanted = kinds or KINDS
    found = {
        "image": _images(engine) if "image" in wanted else None,
        "container": await _containers(engine) if "container" in wanted else None,
        "volume": await _volumes(engine) if "volume" in wanted else None,
        "build-cache": await _builds(engine) if "build-cache" in wanted else None,
    }
    return _old(found) if old_form else _new(found, verbose=verbose)


def _images(engine: Engine) -> Share:
    stored = engine.supervisor.images.list()
    summaries = images.counted(engine, [container.image_id for container in engine.supervisor.containers.list()])
    used = {item.id for item in summaries if item.containers}
    total, in_use = _bytes(stored), _bytes(image for image in stored if image.id in used)
    return Share(items=summaries, active=len(used), size=total, reclaimable=total - in_use)


def _bytes(stored: Iterable[Image]) -> int:
    """Of all their blobs: each once."""
    own, layers = 0, dict[str, int]()
    for image in stored:
        own += image.size - sum(layer.size for layer in image.blobs)
        layers.update((layer.digest, layer.size) for layer in image.blobs)
    return own + sum(layers.values())


async def _containers(engine: Engine) -> Share:
    found = await containers.select(engine, Filters(), all=True, limit=0, size=True)
    now = datetime.now(UTC)
    items: list[ContainerSummary] = [summary(facts, now) for facts in found]
    return _counted(items, lambda item: item.size_rw or 0, lambda item: item.state in _BUSY)


async def _volumes(engine: Engine) -> Share:
    found = await volumes.counted(engine)
    items: list[Volume] = [volume_view(volume, UsageData(size=size, ref_count=users)) for volume, size, users in found]
    return _counted(
        items,
        lambda item: item.usage_data.size if item.usage_data else 0,
        lambda item: bool(item.usage_data and item.usage_data.ref_count),
    )


async def _builds(engine: Engine) -> Share:
    """What images share is counted with them."""
    found = await buildcache.records(engine)
    own = [record for record in found if not record.shared]
    return Share(
        items=found,
        active=sum(record.in_use for record in found),
        size=sum(record.size for record in own),
        reclaimable=sum(record.size for record in own if not record.in_use),
    )


def _counted(items: Sequence[T], size: Callable[[T], int], used: Callable[[T], bool]) -> Share:
    idle = [item for item in items if not used(item)]
    return Share(
        items=items,
        active=len(items) - len(idle),
        size=sum(map(size, items)),
        reclaimable=sum(map(size, idle)),
    )


def _old(found: dict[str, Share | None]) -> dict[str, Any]:
    """Before API 1.52: the lists themselves."""
    lists = {kind: list(share.items) if share is not None else None for kind, share in found.items()}
    layers = found["image"]
    return {
        "LayersSize": layers.size if layers is not None else 0,
        "Images": lists["image"],
        "Containers": lists["container"],
        "Volumes": lists["volume"],
        "BuildCache": lists["build-cache"],
    }


def _new(found: dict[str, Share | None], *, verbose: bool) -> dict[str, Any]:
    """From API 1.52 on: totals first, and the lists for who asks for them."""
    names = {
        "image": "ImageUsage",
        "container": "ContainerUsage",
        "volume": "VolumeUsage",
        "build-cache": "BuildCacheUsage",
    }
    return {
        names[kind]: {
            "ActiveCount": share.active,
            "TotalCount": len(share.items),
            "Reclaimable": share.reclaimable,
            "TotalSize": share.size,
            **({"Items": list(share.items)} if verbose else {}),
        }
        for kind, share in found.items()
        if share is not None
    }
