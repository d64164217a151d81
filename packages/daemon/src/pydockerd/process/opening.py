"""Everything that a daemon stands on, opened in order: its database and volumes, the supervisor over them, and then what needs both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from pycontainerd import MountProvider, Supervisor
from pydockerd.engine import Engine
from pydockerd.process.supervision import SNAPSHOTTERS, registry_config
from pydockerd.settings import Settings
from pydockerd.state.database import open_database
from pydockerd.volumes.provider import VolumeMounts
from pydockerd.volumes.store import VolumeStore
from pydockerd.volumes.views import ImageViews


@contextlib.asynccontextmanager
async def opened_engine(settings: Settings) -> AsyncIterator[Engine]:
    """The engine of a daemon that is about to serve: what a killed one has left undone is done when this is entered."""
    with open_database(settings.data_root) as state:
        volumes = VolumeStore(state, settings.data_root)
        mounts = VolumeMounts(volumes, settings.exec_root / "volumes", ImageViews(lambda: opened.snapshots))
        opened = supervisor(settings, mounts)
        async with opened:
            await _begin(mounts, opened)
            engine = Engine(supervisor=opened, settings=settings, volumes=volumes, volume_mounts=mounts)
            _ = engine.facts  # who cannot be remapped to is told of now, and not with the first container
            yield engine


def supervisor(settings: Settings, mounts: MountProvider) -> Supervisor:
    """The supervisor of a daemon: its store under the data root, what a reboot may take under the exec root."""
    return Supervisor(
        root=settings.data_root,
        state=settings.exec_root,
        cgroup_parent=settings.cgroup_parent,
        registry=registry_config(settings),
        snapshotter=SNAPSHOTTERS[settings.storage_driver],
        mounts=mounts,
    )


async def _begin(mounts: VolumeMounts, opened: Supervisor) -> None:
    async def told(action: str, volume: str, attributes: Mapping[str, str]) -> None:
        await opened.events.publish("volume", action, volume, attributes)

    containers = [(each.id, each.config, each.info().running) for each in opened.containers.list()]
    await mounts.begin(containers, told)
