"""Disk usage: what images and containers take, in the form of the client's API version."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pydockerd.engine import Engine
from pydockerd.filters import Filters
from pydockerd.models.container import ContainerSummary
from pydockerd.models.image import ImageSummary
from pydockerd.models.volume import UsageData, Volume
from pydockerd.services import containers, images, volumes
from pydockerd.views.container import summary
from pydockerd.views.volume import volume_view

_NONE = {"ActiveCount": 0, "TotalCount": 0, "Reclaimable": 0, "TotalSize": 0, "Items": []}


async def usage(engine: Engine, kinds: Collection[str], *, old_form: bool) -> dict[str, Any]:
    """Answer of SystemDataUsage; ``kinds`` are the types that were asked for, none means all."""
    found = await containers.select(engine, Filters(), all=True, limit=0, size=True)
    now = datetime.now(UTC)
    running = sum(facts.info.running for facts in found)
    summaries = [summary(facts, now) for facts in found]
    pictures = images.counted(engine, [item.image_id for item in summaries])
    counted = await volumes.counted(engine) if _asked("volume", kinds) else []
    kept = [volume_view(volume, UsageData(size=size, ref_count=users)) for volume, size, users in counted]
    if old_form:
        return _old(pictures, summaries, kept, kinds)
    return _new(pictures, summaries, running, kept, kinds)


def _old(
    images: list[ImageSummary], containers: list[ContainerSummary], volumes: list[Volume], kinds: Collection[str]
) -> dict[str, Any]:
    """Before API 1.52: the lists themselves."""
    return {
        "LayersSize": sum(image.size for image in images),
        "Images": images if _asked("image", kinds) else None,
        "Containers": containers if _asked("container", kinds) else None,
        "Volumes": volumes if _asked("volume", kinds) else None,
        "BuildCache": [] if _asked("build-cache", kinds) else None,
    }


def _new(
    images: list[ImageSummary],
    containers: list[ContainerSummary],
    running: int,
    volumes: list[Volume],
    kinds: Collection[str],
) -> dict[str, Any]:
    """From API 1.52 on: totals first, and what could be freed."""
    found: dict[str, Any] = {}
    if _asked("image", kinds):
        used = [image for image in images if image.containers]
        found["ImageUsage"] = {
            "ActiveCount": len(used),
            "TotalCount": len(images),
            "Reclaimable": sum(image.size for image in images if not image.containers),
            "TotalSize": sum(image.size for image in images),
            "Items": images,
        }
    if _asked("container", kinds):
        found["ContainerUsage"] = {
            "ActiveCount": running,
            "TotalCount": len(containers),
            "Reclaimable": sum(item.size_rw or 0 for item in containers if item.state not in {"running", "paused"}),
            "TotalSize": sum(item.size_rw or 0 for item in containers),
            "Items": containers,
        }
    if _asked("volume", kinds):
        found["VolumeUsage"] = _volumes(volumes)
    if _asked("build-cache", kinds):
        found["BuildCacheUsage"] = _NONE
    return found


def _volumes(volumes: list[Volume]) -> dict[str, Any]:
    sizes = {volume.name: volume.usage_data.size if volume.usage_data else 0 for volume in volumes}
    used = [volume.name for volume in volumes if volume.usage_data and volume.usage_data.ref_count]
    total = sum(sizes.values())
    return {
        "ActiveCount": len(used),
        "TotalCount": len(volumes),
        "Reclaimable": total - sum(sizes[name] for name in used),
        "TotalSize": total,
        "Items": volumes,
    }


def _asked(kind: str, kinds: Collection[str]) -> bool:
    return not kinds or kind in kinds
