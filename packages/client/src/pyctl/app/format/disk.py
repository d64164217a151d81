"""Rows of ``system df`` (docker's formatter/disk_usage.go and buildcache.go)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.units import decimal_size, duration, shorten
from pyctl.models.disk import CacheRecord, DiskUsage

_TITLES = {"Active": "ACTIVE", "Reclaimable": "RECLAIMABLE", "Size": "SIZE", "TotalCount": "TOTAL", "Type": "TYPE"}
SUMMARY = Layout(
    default=("Type", "TotalCount", "Active", "Size", "Reclaimable"),
    titles=_TITLES,
    quiet="{{.Type}}",
    go_type="*formatter.diskUsageImagesContext",
)
IMAGE_COLUMNS = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers")
CONTAINER_COLUMNS = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
VOLUME_COLUMNS = ("Name", "Links", "Size")
CACHE = Layout(
    default=("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared"),
    titles={
        "CacheType": "CACHE TYPE",
        "CreatedAt": "CREATED",
        "CreatedSince": "CREATED",
        "Description": "DESCRIPTION",
        "ID": "CACHE ID",
        "InUse": "IN USE",
        "LastUsedAt": "LAST USED",
        "LastUsedSince": "LAST USED",
        "Parent": "PARENT",
        "Shared": "SHARED",
        "Size": "SIZE",
        "UsageCount": "USAGE",
    },
    go_type="*formatter.buildCacheContext",
)
_LIVE = ("running", "paused", "restarting")


def summary(usage: DiskUsage) -> Iterator[Row]:
    """One row for each kind of thing."""
    used = sum(
        image.size - image.shared_size for image in usage.images if _counted(image.containers, image.shared_size)
    )
    yield _row("Images", [image.containers > 0 for image in usage.images], usage.layers_size, usage.layers_size - used)
    live = [container.state in _LIVE for container in usage.containers]
    sizes = [container.size_rw for container in usage.containers]
    yield _row("Containers", live, sum(sizes), _idle(sizes, live))
    taken = [volume.usage.ref_count > 0 for volume in usage.volumes]
    sizes = [max(volume.usage.size, 0) for volume in usage.volumes]
    yield _row("Local Volumes", taken, sum(sizes), _idle(sizes, taken))
    own = [record for record in usage.build_cache if not record.shared]
    idle = _idle([record.size for record in own], [record.in_use for record in own])
    yield _row("Build Cache", [each.in_use for each in usage.build_cache], cache_size(usage), idle, percent=False)


def _counted(containers: int, shared: int) -> bool:
    return containers != 0 and shared != -1


def _idle(sizes: Sequence[int], used: Sequence[bool]) -> int:
    return sum(size for size, is_used in zip(sizes, used, strict=True) if not is_used)


def cache_size(usage: DiskUsage) -> int:
    """Bytes that only the build cache takes."""
    return sum(record.size for record in usage.build_cache if not record.shared)


def _row(kind: str, used: Sequence[bool], size: int, reclaimable: int, *, percent: bool = True) -> Row:
    share = f" ({reclaimable * 100 // size}%)" if size > 0 and percent else ""
    columns: dict[str, Value] = {
        "Active": str(sum(used)),
        "Reclaimable": decimal_size(reclaimable) + share,
        "Size": decimal_size(size),
        "TotalCount": str(len(used)),
        "Type": kind,
    }
    return Row(SUMMARY.go_type, columns)


def cache_rows(records: Iterable[CacheRecord], *, truncate: bool, now: float) -> Iterator[Row]:
    """One row for each piece of the build cache."""
    for record in records:
        columns: dict[str, Value] = {
            "CacheType": record.kind,
            "CreatedAt": record.created_at,
            "CreatedSince": _since(record.created_at, now),
            "Description": record.description,
            "ID": (record.id[:12] if truncate else record.id) + ("*" if record.in_use else ""),
            "InUse": str(record.in_use).lower(),
            "LastUsedAt": record.last_used_at,
            "LastUsedSince": _since(record.last_used_at, now),
            "Parent": ", ".join(shorten(parent, 12) if truncate else parent for parent in record.parents),
            "Shared": str(record.shared).lower(),
            "Size": decimal_size(record.size, 3),
            "UsageCount": str(record.usages),
        }
        yield Row(CACHE.go_type, columns)


def _since(moment: str, now: float) -> str:
    if not moment:
        return ""
    try:
        return duration(now - datetime.fromisoformat(moment).timestamp()) + " ago"
    except ValueError:
        return moment
