"""Everything that a daemon stands on, opened in order: its database, volumes and networks, the supervisor over them, and then what needs both."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from pycontainerd import MountProvider, NetworkProvider, Supervisor
from pycontainerd.metadata.database import Database
from pydockerd.builder.cache import BuildCache, clear_left
from pydockerd.engine import Engine
from pydockerd.network.dns.service import NameServers
from pydockerd.network.naming import names_of
from pydockerd.network.networks import Networks
from pydockerd.network.provider import NetworkSeam
from pydockerd.process.supervision import SNAPSHOTTERS, registry_config
from pydockerd.services.networks import described
from pydockerd.settings import Settings
from pydockerd.state.database import open_database
from pydockerd.views.network import network_id
from pydockerd.volumes.provider import VolumeMounts
from pydockerd.volumes.store import VolumeStore
from pydockerd.volumes.views import ImageViews


@contextlib.asynccontextmanager
async def opened_engine(settings: Settings) -> AsyncIterator[Engine]:
    """The engine of a daemon that is about to serve: what a killed one has left undone is done when this is entered."""
    with open_database(settings.data_root) as state:
        volumes = VolumeStore(state, settings.data_root)
        mounts = VolumeMounts(volumes, settings.exec_root / "volumes", ImageViews(lambda: opened.snapshots))
        async with contextlib.AsyncExitStack() as stack:
            networks = await stack.enter_async_context(opened_networks(state, settings))
            seam = NetworkSeam(networks, partial(described, networks))
            opened = supervisor(settings, mounts, seam)
            await stack.enter_async_context(opened)
            await _begin(mounts, opened)
            cache = BuildCache(state, settings.data_root / "builds", settings.exec_root / "builds")
            await clear_left(opened, cache)
            networks.publish = opened.events.publish
            engine = Engine(
                supervisor=opened,
                settings=settings,
                volumes=volumes,
                volume_mounts=mounts,
                networks=networks,
                build_cache=cache,
            )
            _ = engine.facts  # who cannot be remapped to is told of now, and not with the first container
            yield engine


@contextlib.asynccontextmanager
async def opened_networks(state: Database, settings: Settings) -> AsyncIterator[Networks]:
    """The networks of a daemon. The kernel agrees with them when the supervisor that they are given to is open."""
    names = names_of(settings)
    networks = Networks(
        state,
        settings.network,
        owner=names.owner,
        table=names.table,
        link=names.link,
        ids={"bridge": network_id("bridge", names.owner), "host": network_id("host"), "none": network_id("none")},
    )
    servers = NameServers(networks)
    networks.observers.append(servers)
    await networks.open()
    try:
        yield networks
    finally:
        await servers.close()
        await networks.close()


def supervisor(settings: Settings, mounts: MountProvider, networks: NetworkProvider) -> Supervisor:
    """The supervisor of a daemon: its store under the data root, what a reboot may take under the exec root."""
    return Supervisor(
        root=settings.data_root,
        state=settings.exec_root,
        cgroup_parent=settings.cgroup_parent,
        registry=registry_config(settings),
        snapshotter=SNAPSHOTTERS[settings.storage_driver],
        mounts=mounts,
        networks=networks,
    )


async def _begin(mounts: VolumeMounts, opened: Supervisor) -> None:
    async def told(action: str, volume: str, attributes: Mapping[str, str]) -> None:
        await opened.events.publish("volume", action, volume, attributes)

    containers = [(each.id, each.config, each.info().pid) for each in opened.containers.list()]
    await mounts.begin(containers, told)
