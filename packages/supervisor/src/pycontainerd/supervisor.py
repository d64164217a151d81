"""Supervisor: everything of pycontainerd, behind one object."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import pyrunc

from pycontainerd.containers import store
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import StoreInUse
from pycontainerd.events import log as event_log
from pycontainerd.events.events import Events
from pycontainerd.images.images import Images
from pycontainerd.metadata.database import Database
from pycontainerd.oci.capabilities import available
from pycontainerd.snapshots.overlayfs import OverlaySnapshotter
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.pump import Pump
from pycontainerd.tasks.recovery import recover
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.worker import Worker


class Supervisor:
    """Images, snapshots, containers and events below one directory.

    ::

        async with Supervisor("/srv/containers", "/run/containers") as supervisor:
            container = await supervisor.containers.create(ContainerConfig(image="host", args=("echo", "hi")))
            await container.start()
            print((await container.wait()).code)

    ``root`` holds what outlives a reboot: images, file systems, logs, metadata. ``state`` holds what does not: best on a tmpfs.
    Containers belong to neither the object nor the process: they go on running when it is closed or killed, and the next supervisor
    with the same directories takes them over, logs, exit codes and all. Several supervisors with different directories may live in one
    process. It belongs to the event loop that it was opened on.
    """

    content: ContentStore
    images: Images
    snapshots: Snapshotter
    containers: Containers
    events: Events

    def __init__(
        self,
        root: str | PathLike[str] = "/var/lib/pycontainerd",
        state: str | PathLike[str] = "/run/pycontainerd",
        *,
        cgroup_parent: str = "/pycontainerd",
        runtime_root: str | PathLike[str] | None = None,
    ) -> None:
        self.root = Path(os.path.abspath(root))
        self.state = Path(os.path.abspath(state))
        self.cgroup_parent = cgroup_parent
        self.runtime_root = Path(os.path.abspath(runtime_root)) if runtime_root is not None else self.state / "runtime"
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the stores and agree with the kernel. Raises StoreInUse, StoreTooNew, OSError."""
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

    async def _open(self) -> None:
        worker = Worker()
        self._stack.callback(worker.close)
        database = await worker.run(self._open_stores)
        pump = Pump()
        self._stack.callback(pump.close)
        self.events = Events(database)
        self._stack.callback(self.events.close)
        services = Services(
            root=self.root,
            state=self.state,
            cgroup_parent=self.cgroup_parent,
            capabilities=available(),
            runtime=pyrunc.Runtime(self.runtime_root),
            database=database,
            events=self.events,
            images=self.images,
            snapshots=self.snapshots,
            pump=pump,
            worker=worker,
        )
        self.containers = Containers(services)
        self.images.in_use = lambda: {container.image_id for container in self.containers.list()}
        self._stack.push_async_callback(self.containers.close)
        await recover(services, self.containers)

    def _open_stores(self) -> Database:
        for directory in (self.root, self.state):
            directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._stack.enter_context(_locked(self.root))
        database = Database(self.root / "metadata.db", tables=[store.SCHEMA])
        self._stack.callback(database.close)
        database.write_now(event_log.prune)
        self.content = ContentStore(self.root / "content")
        self.snapshots = OverlaySnapshotter(self.root / "snapshots", database, hidden=self._private())
        self.images = Images(self.content, self.snapshots, database)
        return database

    def _private(self) -> list[Path]:
        """The directories that the image ``host`` must not show; those inside of another go with it."""
        directories = {self.root, self.state, self.runtime_root}
        return [path for path in directories if not directories.intersection(path.parents)]


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One supervisor at a time for each root. The kernel unlocks when the process dies."""
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreInUse(f"{root}: another supervisor has it open; close that one, or choose another root") from None
        yield
    finally:
        os.close(descriptor)
