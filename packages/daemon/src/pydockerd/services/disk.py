"""Disk usage: what images and containers take, in the form of the client's API version."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pydockerd.engine import Engine
from pydockerd.filters import Filters
from pydockerd.models.container import ContainerSummary
from pydockerd.models.image import ImageSummary
from pydockerd.services import containers, images
from pydockerd.views.container import summary

_NONE = {"ActiveCount": 0, "TotalCount": 0, "Reclaimable": 0, "TotalSize": 0, "Items": []}


async def usage(engine: Engine, kinds: Collection[str], *, old_form: bool) -> dict[str, Any]:
    """Answer of SystemDataUsage; ``kinds`` are the types that were asked for, none means all."""
    found = await containers.select(engine, Filters(), all=True, limit=0, size=True)
    now = datetime.now(UTC)
    running = sum(facts.info.running for facts in found)
    summaries = [summary(facts, now) for facts in found]
    pictures = images.counted(engine, [item.image_id for item in summaries])
    return _old(pictures, summaries, kinds) if old_form else _new(pictures, summaries, running, kinds)


def _old(images: list[ImageSummary], containers: list[ContainerSummary], kinds: Collection[str]) -> dict[str, Any]:
    """Before API 1.52: the lists themselves."""
    return {
        "LayersSize": sum(image.size for image in images),
        "Images": images if _asked("image", kinds) else None,
        "Containers": containers if _asked("container", kinds) else None,
        "Volumes": [] if _asked("volume", kinds) else None,
        "BuildCache": [] if _asked("build-cache", kinds) else None,
    }


def _new(
    images: list[ImageSummary], containers: list[ContainerSummary], running: int, kinds: Collection[str]
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
        found["VolumeUsage"] = _NONE
    if _asked("build-cache", kinds):
        found["BuildCacheUsage"] = _NONE
    return found


def _asked(kind: str, kinds: Collection[str]) -> bool:
    return not kinds or kind in kinds
