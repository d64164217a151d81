"""Volumes as the API's documents."""

from __future__ import annotations

from datetime import UTC, datetime

from pydockerd.models.volume import UsageData
from pydockerd.models.volume import Volume as VolumeView
from pydockerd.volumes.volume import LOCAL, Volume


def volume_view(volume: Volume, usage: UsageData | None = None) -> VolumeView:
    """One volume; ``usage`` is for the operation that counts it."""
    created = datetime.fromtimestamp(volume.created_ns // 10**9, UTC)
    return VolumeView(
        created_at=created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        driver=LOCAL,
        labels=volume.labels,
        mountpoint=str(volume.path),
        name=volume.name,
        options=volume.options,
        usage_data=usage,
    )
