"""Namespaces: several users of one store, who do not see each other's objects and share what they have in common.

A namespace has its own images and their names, containers and theirs, events and leases. It is a view on the open supervisor and not another
supervisor on the same root, because a root has one supervisor at a time: only so can it collect what nobody needs and agree with the
kernel without asking others. A namespace needs not be made or removed: it is there as long as something is in it.

Shared are the things whose names are what they are: blobs, which are stored once, and the layers unpacked from them. A blob that one
namespace has brought in is not to be read by another until that one has brought it in as well (see `pycontainerd.content.visibility`). Shared
are also the ids of containers, since they name directories and cgroups; one that is in use elsewhere is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from attrs import frozen

from pycontainerd.content.store import ContentStore
from pycontainerd.content.visibility import Visibility
from pycontainerd.events.events import Events
from pycontainerd.gc.expiry import Expiry
from pycontainerd.images.catalogue import Catalogue
from pycontainerd.images.images import Images
from pycontainerd.images.unpack import Unpacker
from pycontainerd.leases import Leases
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.leases.resource import LeaseResource, ResourceKind
from pycontainerd.metadata.database import Database
from pycontainerd.metadata.namespace import check_namespace
from pycontainerd.registry.registries import RegistryClient
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.services import Services
from pycontainerd.worker import Worker


@frozen(slots=False)
class Namespace:
    """Get one from ``Supervisor.namespace``. What there is on it is what there is on a Supervisor, for this namespace."""

    name: str
    images: Images
    containers: Containers
    events: Events
    leases: LeaseManager
    content: ContentStore


@frozen(kw_only=True)
class Stores:
    """What all namespaces of a supervisor stand on."""

    database: Database
    content: ContentStore
    snapshots: Snapshotter
    unpacker: Unpacker
    working: Leases
    worker: Worker
    collect: Callable[[], object]
    """Blocks."""
    collected: Callable[[], Awaitable[object]]
    """The same in a thread."""
    expiry: Expiry
    registries: RegistryClient


class Namespaces:
    """All of a supervisor. ``services_of`` makes the rest of what containers work with from a namespace's name, events and images."""

    def __init__(self, stores: Stores, services_of: Callable[[str, Events, Images], Services]) -> None:
        self._stores, self._services_of = stores, services_of
        self._known: dict[str, Namespace] = {}
        self._loop = asyncio.get_running_loop()

    def get(self, name: str) -> Namespace:
        """The same object each time. InvalidName."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._make(check_namespace(name))
        return found

    async def names(self) -> list[str]:
        """Those that something is in, in order."""
        tables = ("images", "containers", "leases")
        query = " UNION ".join(f"SELECT namespace FROM {table}" for table in tables)  # noqa: S608
        rows = await self._stores.database.read(lambda connection: connection.execute(query).fetchall())
        return sorted(name for (name,) in rows)

    async def close(self) -> None:
        """Let go of all containers; they go on running."""
        await asyncio.gather(*(each.containers.close() for each in self._known.values()))
        for each in self._known.values():
            each.events.close()

    def _make(self, name: str) -> Namespace:
        stores = self._stores
        seen = Visibility(stores.database, name)
        content = stores.content.of_namespace(seen)
        working = stores.working.of_namespace(seen.add)
        catalogue = Catalogue(stores.database, name)
        images = Images(content, stores.unpacker, catalogue, working, stores.worker, stores.collect, stores.registries)
        events = Events(stores.database, name)
        catalogue.told = partial(_in_loop, self._loop, events.announce)
        containers = Containers(self._services_of(name, events, images))
        images.in_use = containers.images

        def has(resource: LeaseResource) -> bool:
            if resource.kind is ResourceKind.CONTENT:
                return content.has(resource.name)
            return stores.snapshots.exists(resource.name)

        leases = LeaseManager(
            name, stores.database, working, stores.worker, has, stores.collected, stores.expiry.changed
        )
        images.kept = leases
        return Namespace(name, images, containers, events, leases, content)


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From any thread, also from one that ends after the loop has."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
