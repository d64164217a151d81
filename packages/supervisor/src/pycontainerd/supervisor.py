"""Supervisor: everything of pycontainerd, behind one object."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import pyrunc
from pycontainerd.containers.mounting import MountProvider, NoMounts
from pycontainerd.containers.networking import NetworkProvider, NoNetworks
from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import UnpackLimits
from pycontainerd.directories import check_file, locked, prepare
from pycontainerd.ephemeral.guard import guarded
from pycontainerd.events import log as event_log
from pycontainerd.events.events import Events
from pycontainerd.gc.collector import Collected, Collector
from pycontainerd.gc.expiry import Expiry
from pycontainerd.images.images import Images
from pycontainerd.images.remote import Registries
from pycontainerd.images.unpack import Unpacker, unpacking_threads
from pycontainerd.leases import Leases
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.metadata.database import Database
from pycontainerd.metadata.namespace import DEFAULT, check_namespace
from pycontainerd.metadata.reserve import Reserve
from pycontainerd.namespaces import Namespace, Namespaces, Stores
from pycontainerd.oci.capabilities import available
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.registries import RegistryClient
from pycontainerd.snapshots.choice import SnapshotterName, open_snapshotter
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.pump import Pump
from pycontainerd.tasks.recovery import recover
from pycontainerd.tasks.services import Services
from pycontainerd.worker import Worker

ROOT = "/var/lib/pycontainerd"
CGROUP = "/pycontainerd"
_STATE = "/run/pycontainerd"


class Supervisor:
    """Images, snapshots, containers and events below one directory.

    ::

        async with Supervisor("/srv/containers") as supervisor:
            container = await supervisor.containers.create(ContainerConfig(image="host", args=("echo", "hi")))
            await container.start()
            print((await container.wait()).code)

    ``root`` holds what outlives a reboot: images, file systems, logs, metadata. ``state`` holds what does not: best on a tmpfs, and by
    default a directory below /run that belongs to this root. ``runtime_root`` is where the runtime keeps its containers, by default
    in ``state``. All three are the supervisor's alone: what it does not know there, it deletes. ``cgroup_parent`` is the cgroup of all
    containers.

    Containers belong to neither the object nor the process: they go on running when it is closed or killed, and the next supervisor
    with the same directories takes them over, logs, exit codes and all. Several supervisors with different directories may live in one
    process. It belongs to the event loop that it was opened on, and is opened once.

    ``ephemeral`` turns that round: closing kills and deletes everything, images too, and so does the end of the program, whatever ends it
    (see `pycontainerd.ephemeral`). ``root`` is then by default a new directory among the temporary files, and must be empty otherwise;
    the containers' cgroup is one of its own, below ``cgroup_parent`` if that is given.

    ``namespace`` is the one whose images, containers, events, leases and content these are; ``namespace()`` gives others on the same stores.

    ``registry`` says how registries are reached: mirrors, insecure ones, certificates, patience.

    ``snapshotter`` makes the file systems: ``overlayfs``, or ``native``, which copies (and shares blocks where the disk's file system can). A root
    keeps the one it was begun with. ``unpack_limits`` is the most that one layer of an image may become; without it, the disk is the limit.

    ``mounts`` makes the sources of bind mounts ready before each run, for who keeps volumes; ``networks`` connects the containers that have
    ``network="managed"``.
    """

    leases: LeaseManager
    content: ContentStore
    images: Images
    registries: Registries
    snapshots: Snapshotter
    containers: Containers
    events: Events

    def __init__(
        self,
        root: str | PathLike[str] | None = None,
        state: str | PathLike[str] | None = None,
        *,
        cgroup_parent: str = CGROUP,
        runtime_root: str | PathLike[str] | None = None,
        namespace: str = DEFAULT,
        ephemeral: bool = False,
        registry: RegistryConfig | None = None,
        snapshotter: SnapshotterName = "overlayfs",
        unpack_limits: UnpackLimits | None = None,
        mounts: MountProvider | None = None,
        networks: NetworkProvider | None = None,
    ) -> None:
        self.root = Path(os.path.abspath(root)) if root is not None else _default_root(ephemeral)
        self.state = Path(os.path.abspath(state)) if state is not None else _state_of(self.root)
        self.cgroup_parent = _own_cgroup(cgroup_parent, self.root) if ephemeral else cgroup_parent
        self.runtime_root = Path(os.path.abspath(runtime_root)) if runtime_root is not None else self.state / "runtime"
        self.ephemeral = ephemeral
        self._snapshotter, self._unpack_limits = snapshotter, unpack_limits
        self._mounts = mounts or NoMounts()
        self._networks = networks or NoNetworks()
        self._client = RegistryClient(registry or RegistryConfig())
        self.own_namespace = check_namespace(namespace)
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the stores and agree with the kernel.

        Raises StoreInUse, StoreTooNew, StoreDamaged, StoreReadOnly, StoreNotOurs, StoreFailed (the disk is full); InvalidConfig for a root that overlayfs cannot use or that another snapshotter has begun, or that is ephemeral and not
        empty; OSError.
        """
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def namespace(self, name: str) -> Namespace:
        """This supervisor's stores as somebody else's: with images, containers, events and leases of their own. InvalidName."""
        return self._namespaces.get(name)

    async def namespaces(self) -> list[str]:
        """The names of the namespaces that something is in, in order."""
        return await self._namespaces.names()

    async def collect(self) -> Collected:
        """Delete what nothing refers to, and tell how much that was. It is done by itself whenever something is removed: see `pycontainerd.gc`."""
        return await self._worker.run(self._collector.collect)

    async def _open(self) -> None:
        if self.ephemeral:
            guard = guarded(self.root, self.state, self.runtime_root, self.cgroup_parent)
            await asyncio.to_thread(guard.__enter__)
            self._stack.push_async_callback(asyncio.to_thread, guard.__exit__, None, None, None)
        self._unpacking = unpacking_threads()  # closed after the worker, whose work needs them
        self._stack.push_async_callback(asyncio.to_thread, self._unpacking.shutdown)
        worker = self._worker = Worker()
        self._stack.push_async_callback(asyncio.to_thread, worker.close)
        self._stack.push_async_callback(self._client.close)
        database = await worker.run(self._open_stores)
        pump = Pump()
        self._stack.push_async_callback(asyncio.to_thread, pump.close)
        expiry = Expiry(database, self.collect)
        services_of = self._services(database, pump)
        self._namespaces = Namespaces(self._stores(database, expiry), services_of)
        self._stack.push_async_callback(self._namespaces.close)
        own = self._namespaces.get(self.own_namespace)
        self.images, self.containers, self.events = own.images, own.containers, own.events
        self.leases, self.content = own.leases, own.content
        await recover(services_of(own.name, own.events, own.images), lambda name: self._namespaces.get(name).containers)
        await self.collect()
        self._stack.push_async_callback(_cancelled, asyncio.create_task(expiry.run()))

    def _services(self, database: Database, pump: Pump) -> Callable[[str, Events, Images], Services]:
        runtime, capabilities, ids = pyrunc.Runtime(self.runtime_root), available(), set[str]()
        return lambda namespace, events, images: Services(
            namespace=namespace,
            ids=ids,
            root=self.root,
            state=self.state,
            cgroup_parent=self.cgroup_parent,
            capabilities=capabilities,
            runtime=runtime,
            database=database,
            events=events,
            images=images,
            snapshots=self.snapshots,
            mounts=self._mounts,
            networks=self._networks,
            pump=pump,
            worker=self._worker,
        )

    def _stores(self, database: Database, expiry: Expiry) -> Stores:
        return Stores(
            database=database,
            content=self._blobs,
            snapshots=self.snapshots,
            unpacker=Unpacker(self._blobs, self.snapshots, self._unpack_limits, threads=self._unpacking),
            working=self._working,
            worker=self._worker,
            collect=self._collector.collect,
            collected=self.collect,
            expiry=expiry,
            registries=self._client,
        )

    def _open_stores(self) -> Database:
        directories = (self.root, self.state, self.runtime_root)
        for directory in dict.fromkeys(directories):
            prepare(directory)
        for directory in dict.fromkeys((self.root, self.state)):
            self._stack.enter_context(locked(directory))
        check_file(self.root / "metadata.db")
        self._reserve = Reserve(self.root / "reserve")
        self._reserve.spend_if_full()  # to open has to be possible, so that something can be removed
        database = Database(self.root / "metadata.db", self._reserve)
        self._stack.callback(database.close)
        database.write_now(event_log.prune)
        self._working = Leases()
        self._blobs = ContentStore(self.root / "content", database)
        self.snapshots = snapshots = open_snapshotter(self._snapshotter, self.root, database, directories)
        self._stack.callback(snapshots.close)
        self._collector = Collector(database, self._blobs, self.snapshots, self._working, self._reserve.keep)
        self.registries = Registries(self._client)
        return database


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _default_root(ephemeral: bool) -> Path:
    return Path(tempfile.gettempdir(), f"pycontainerd-{secrets.token_hex(6)}") if ephemeral else Path(ROOT)


def _state_of(root: Path) -> Path:
    """Each root has a state directory of its own: two that shared one would delete each other's containers."""
    if root == Path(ROOT):
        return Path(_STATE)
    return Path(f"{_STATE}-{_short(root)}")


def _own_cgroup(parent: str, root: Path) -> str:
    return f"{parent}{'-' if parent == CGROUP else '/'}{_short(root)}"


def _short(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
