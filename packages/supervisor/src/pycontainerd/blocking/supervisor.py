"""Supervisor: everything of pycontainerd, behind one object, for programs without an event loop."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from pycontainerd import supervisor as asynchronous
from pycontainerd.blocking.containers import Containers
from pycontainerd.blocking.events import Events
from pycontainerd.blocking.images import Images
from pycontainerd.blocking.leases import LeaseManager
from pycontainerd.blocking.loop import LoopThread
from pycontainerd.blocking.namespace import Namespace
from pycontainerd.blocking.registries import Registries
from pycontainerd.containers.mounting import MountProvider
from pycontainerd.containers.networking import NetworkProvider
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import UnpackLimits
from pycontainerd.gc.collector import Collected
from pycontainerd.metadata.namespace import DEFAULT
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.snapshots.choice import SnapshotterName
from pycontainerd.snapshots.snapshotter import Snapshotter


class Supervisor:
    """See `pycontainerd.Supervisor` for the directories and for what lives on. Opened once, as a context manager."""

    images: Images
    registries: Registries
    containers: Containers
    events: Events
    content: ContentStore
    leases: LeaseManager
    snapshots: Snapshotter

    def __init__(
        self,
        root: str | PathLike[str] | None = None,
        state: str | PathLike[str] | None = None,
        *,
        cgroup_parent: str = asynchronous.CGROUP,
        runtime_root: str | PathLike[str] | None = None,
        namespace: str = DEFAULT,
        ephemeral: bool = False,
        registry: RegistryConfig | None = None,
        snapshotter: SnapshotterName = "overlayfs",
        unpack_limits: UnpackLimits | None = None,
        mounts: MountProvider | None = None,
        networks: NetworkProvider | None = None,
    ) -> None:
        self._supervisor = asynchronous.Supervisor(
            root,
            state,
            cgroup_parent=cgroup_parent,
            runtime_root=runtime_root,
            namespace=namespace,
            ephemeral=ephemeral,
            registry=registry,
            snapshotter=snapshotter,
            unpack_limits=unpack_limits,
            mounts=mounts,
            networks=networks,
        )

    @property
    def root(self) -> Path:
        """What outlives a reboot."""
        return self._supervisor.root

    @property
    def state(self) -> Path:
        """What does not."""
        return self._supervisor.state

    @property
    def runtime_root(self) -> Path:
        """Where the runtime keeps its containers."""
        return self._supervisor.runtime_root

    @property
    def ephemeral(self) -> bool:
        """Whether everything goes when it is closed, or its program ends."""
        return self._supervisor.ephemeral

    @property
    def cgroup_parent(self) -> str:
        """The cgroup of all containers."""
        return self._supervisor.cgroup_parent

    def namespace(self, name: str) -> Namespace:
        """This supervisor's stores as somebody else's. InvalidName."""
        return Namespace(self._loop, self._loop.do(lambda: self._supervisor.namespace(name)))

    def namespaces(self) -> list[str]:
        """The names of the namespaces that something is in, in order."""
        return self._loop.call(self._supervisor.namespaces())

    def collect(self) -> Collected:
        """Delete what nothing refers to, and tell how much that was."""
        return self._loop.call(self._supervisor.collect())

    def __enter__(self) -> Self:
        """Open the stores and agree with the kernel. Raises what `pycontainerd.Supervisor` raises."""
        self._loop = LoopThread()
        try:
            opened = self._loop.call(self._supervisor.__aenter__())
        except BaseException:
            self._loop.close()
            raise
        own = Namespace(self._loop, opened.namespace(opened.own_namespace))
        self.images, self.containers, self.events = own.images, own.containers, own.events
        self.leases, self.content = own.leases, own.content
        self.registries = Registries(self._loop, opened.registries)
        self.snapshots = opened.snapshots  # blocks as it is, and may be called from any thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.call(self._supervisor.__aexit__(kind, error, trace))
        finally:
            self._loop.close()
