"""What every container of a supervisor works with."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

import pyrunc
from pycontainerd.containers.mounting import MountProvider
from pycontainerd.containers.networking import NetworkProvider
from pycontainerd.events.events import Events
from pycontainerd.images.images import Images
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.pump import Pump
from pycontainerd.worker import Worker


@frozen(kw_only=True)
class Services:
    """One supervisor's parts, as one namespace of it sees them. ``root`` outlives a reboot, ``state`` does not.

    ``ids`` are those of the containers of all namespaces: they name directories, cgroups and snapshots, which are not divided.
    """

    namespace: str
    ids: set[str]
    root: Path
    state: Path
    cgroup_parent: str
    capabilities: tuple[str, ...]
    runtime: pyrunc.Runtime
    database: Database
    events: Events
    images: Images
    snapshots: Snapshotter
    mounts: MountProvider
    networks: NetworkProvider
    pump: Pump
    worker: Worker

    def home(self, id: str) -> Path:
        """Where a container's log and /etc files are."""
        return self.root / "containers" / id

    def bundle(self, id: str) -> Path:
        """Where a container's rootfs is mounted (inside its own mount namespace), and its journal is."""
        return self.state / "containers" / id
