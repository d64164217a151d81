"""What the daemon's objects take of the disk (Engine API: SystemDataUsage), in the form of the versions before 1.52, which all daemons give."""

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
