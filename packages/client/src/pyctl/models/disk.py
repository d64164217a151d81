"""What the daemon's objects take of the disk (Engine API: SystemDataUsage), in one form whatever the version."""

from __future__ import annotations

import attrs

from pyctl.models.containers import ContainerSummary
from pyctl.models.fields import JsonObject, api, flag, integer, listed, model, text, texts
from pyctl.models.images import ImageSummary
from pyctl.models.volumes import Volume


@attrs.frozen
class CacheRecord:
    """One piece of the build cache (BuildCache)."""

    id: str = api("ID", text)
    kind: str = api("Type", text)
    parents: tuple[str, ...] = api("Parents", texts)
    description: str = api("Description", text)
    in_use: bool = api("InUse", flag)
    shared: bool = api("Shared", flag)
    size: int = api("Size", integer)
    """Bytes."""
    created_at: str = api("CreatedAt", text)
    last_used_at: str = api("LastUsedAt", text)
    usages: int = api("UsageCount", integer)


@attrs.frozen
class CachePruned:
    """Which pieces of the build cache a prune has removed (BuildPruneResponse)."""

    deleted: tuple[str, ...] = api("CachesDeleted", texts)
    reclaimed: int = api("SpaceReclaimed", integer)
    """Bytes."""


@attrs.frozen
class DiskUsage:
    """All of it (SystemDataUsageResponse)."""

    document: JsonObject
    """The whole answer."""
    layers_size: int = api("LayersSize", integer)
    """Bytes of all layers, each counted once."""
    images: tuple[ImageSummary, ...] = api("Images", listed(model(ImageSummary)))
    containers: tuple[ContainerSummary, ...] = api("Containers", listed(model(ContainerSummary)))
    volumes: tuple[Volume, ...] = api("Volumes", listed(model(Volume)))
    build_cache: tuple[CacheRecord, ...] = api("BuildCache", listed(model(CacheRecord)))


_PARTS = {
    "Images": "ImageUsage",
    "Containers": "ContainerUsage",
    "Volumes": "VolumeUsage",
    "BuildCache": "BuildCacheUsage",
}


def flat(document: JsonObject) -> JsonObject:
    """What versions from 1.52 on answer, in the form that those before had."""
    parts = {name: found for name, key in _PARTS.items() if isinstance(found := document.get(key), dict)}
    images = parts.get("Images", {})
    return {**{name: part.get("Items") for name, part in parts.items()}, "LayersSize": images.get("TotalSize")}
