"""The settings that are the supervisor's, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pycontainerd import RegistryConfig
from pycontainerd.snapshots.choice import SnapshotterName
from pydockerd.settings import Settings

SNAPSHOTTERS: Final[Mapping[str, SnapshotterName]] = MappingProxyType({"overlay2": "overlayfs", "vfs": "native"})
"""By the names that dockerd's storage drivers have."""


def registry_config(settings: Settings) -> RegistryConfig:
    """How registries are reached."""
    return RegistryConfig(
        insecure=settings.insecure_registries,
        mirrors={"docker.io": settings.registry_mirrors},
        downloads=settings.max_concurrent_downloads,
        uploads=settings.max_concurrent_uploads,
        attempts=settings.max_download_attempts,
    )
