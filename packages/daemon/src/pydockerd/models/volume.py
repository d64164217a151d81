"""Volumes as the API shows them, and the body that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class UsageData:
    """What it takes, in bytes, and how many containers have it. Source: definition Volume."""

    size: int
    ref_count: int


@frozen(kw_only=True)
class Volume:
    """Source: definition Volume."""

    created_at: str
    driver: str
    labels: Mapping[str, str]
    mountpoint: str
    name: str
    options: Mapping[str, str]
    scope: str = "local"
    usage_data: UsageData | None = wire(default=None, omit_none=True)  # noqa: RUF009


@frozen(kw_only=True)
class VolumeList:
    """Source: definition VolumeListResponse."""

    volumes: tuple[Volume, ...]
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class VolumeCreate:
    """Source: definition VolumeCreateRequest."""

    name: str = ""
    driver: str = ""
    driver_opts: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    cluster_volume_spec: Any = None


@frozen(kw_only=True)
class VolumesPruned:
    """Answer of VolumePrune."""

    volumes_deleted: tuple[str, ...]
    space_reclaimed: int
