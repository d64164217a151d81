# ruff: noqa: RUF009 - api() and key() declare attributes, as attrs.field does
"""Volumes as the daemon reports them (Engine API: VolumeList, VolumeInspect, VolumePrune), and the body that makes one."""

from __future__ import annotations

import attrs

from pyctl.models.fields import JsonObject, api, integer, model, text, texts, texts_by_name
from pyctl.models.requests import key


@attrs.frozen
class VolumeUsage:
    """What a volume takes, where that was counted (UsageData)."""

    size: int = api("Size", integer)
    """Bytes."""
    ref_count: int = api("RefCount", integer)


@attrs.frozen
class Volume:
    """One volume (Volume)."""

    document: JsonObject
    """The whole answer."""
    name: str = api("Name", text)
    driver: str = api("Driver", text)
    scope: str = api("Scope", text)
    mountpoint: str = api("Mountpoint", text)
    labels: dict[str, str] = api("Labels", texts_by_name)
    options: dict[str, str] = api("Options", texts_by_name)
    usage: VolumeUsage = api("UsageData", model(VolumeUsage))

    @property
    def counted(self) -> bool:
        """Whether its usage is known."""
        return self.document.get("UsageData") is not None


@attrs.frozen
class VolumesPruned:
    """What a prune has removed."""

    deleted: tuple[str, ...] = api("VolumesDeleted", texts)
    reclaimed: int = api("SpaceReclaimed", integer)
    """Bytes."""


@attrs.frozen(kw_only=True)
class VolumeRequest:
    """The body of VolumeCreate."""

    name: str | None = key("Name")
    driver: str | None = key("Driver")
    options: dict[str, str] | None = key("DriverOpts")
    labels: dict[str, str] | None = key("Labels")
