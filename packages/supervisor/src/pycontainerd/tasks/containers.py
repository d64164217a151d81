"""All containers of a supervisor: making them, finding them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any

from attrs import evolve

from pycontainerd.containers import store
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.merge import with_image
from pycontainerd.containers.names import check_id, check_name, new_id
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import AmbiguousId, ContainerNotFound, ExecNotFound, IdInUse, NameInUse
from pycontainerd.events import log as event_log
from pycontainerd.oci.namespaces import shared_with
from pycontainerd.tasks import launch, networking, prepare
from pycontainerd.tasks.container import Container
from pycontainerd.tasks.exec import Exec
from pycontainerd.tasks.happenings import container_event
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.validate import check_sources, validate
from pycontainerd.tracing import span

_logger = logging.getLogger(__name__)


class Containers:
    """Get it from ``Supervisor.containers``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._containers: dict[str, Container] = {}
        self._names: dict[str, str] = {}
        self._creating: set[asyncio.Task[Any]] = set()
        self._reserved: dict[str, str] = {}
        self._beginning: asyncio.Task[None] | None = None

    async def create(self, config: ContainerConfig, *, id: str | None = None, name: str | None = None) -> Container:
        """A new container of ``config.image``: its file system, its log, its place in the metadata. It does not run yet.

        ``id``: 64 hexadecimal digits, made up if None. Raises ImageNotFound, AmbiguousReference, NameInUse, IdInUse, InvalidName,
        InvalidConfig naming the field, ContainerNotFound for one that it shall share with, OSError; nothing is left behind then. What was
        begun is finished although the caller is cancelled.
        """
        return await self._finish(self._create(config, check_id(id) if id else new_id(), name))

    def get(self, reference: str) -> Container:
        """By id, by name (with or without the leading slash) or by a unique prefix of the id. Raises ContainerNotFound, AmbiguousId."""
        name = reference.removeprefix("/")
        found = self._containers.get(reference) or self._containers.get(self._names.get(name, ""))
        if found is not None:
            return found
        matches = [known for known in self._containers if reference and known.startswith(reference)]
        if len(matches) > 1:
            raise AmbiguousId(reference)
        if not matches:
            raise ContainerNotFound(reference)
        return self._containers[matches[0]]

    def list(self) -> list[Container]:
        """All of them, oldest first."""
        return sorted(self._containers.values(), key=lambda container: container.record.created_ns)

    def images(self) -> set[str]:
        """The ids of the images that containers are made from, or are just being made from."""
        return {container.image_id for container in self._containers.values()} | set(self._reserved.values())

    def get_exec(self, exec_id: str) -> Exec:
        """An exec of whichever container. Raises ExecNotFound."""
        for container in self._containers.values():
            for found in container.execs():
                if found.id == exec_id:
                    return found
        raise ExecNotFound(exec_id)

    # -- Neighbours ------------------------------------------------------------------------------------------------------------

    async def fork(
        self,
        source: ContainerRecord,
        config: ContainerConfig,
        copy: Callable[[str], Awaitable[None]],
        *,
        id: str | None,
        name: str | None,
    ) -> Container:
        """See Neighbours; `Container.fork` is for users."""
        return await self._finish(self._fork(source, config, copy, check_id(id) if id else new_id(), name))

    def record_of(self, reference: str) -> ContainerRecord:
        """See Neighbours."""
        return self.get(reference).record

    def take_name(self, id: str, name: str) -> str:
        """See Neighbours."""
        plain = check_name(name)
        owner = self._names.get(plain)
        if owner is not None:
            raise NameInUse(plain, owner)
        self._names[plain] = id
        return plain

    def free_name(self, id: str, name: str | None) -> None:
        """See Neighbours."""
        if name is not None and self._names.get(name) == id:
            del self._names[name]

    def forget(self, id: str) -> None:
        """See Neighbours."""
        found = self._containers.pop(id, None)
        if found is not None:
            self._services.ids.discard(id)
            self.free_name(id, found.name)

    # -- for the supervisor ----------------------------------------------------------------------------------------------------

    def add(self, record: ContainerRecord) -> Container:
        """Know a container that is in the metadata."""
        container = self._containers[record.id] = Container(self._services, record, self)
        self._services.ids.add(record.id)
        if record.name is not None:
            self._names[record.name] = record.id
        return container

    def begin(self) -> None:
        """Start those whose restart policies want them to run, one after the other, as one may need another; nobody waits for it."""
        waiting = [container for container in self.list() if container.begins_with_the_supervisor()]
        if waiting:
            self._beginning = asyncio.create_task(_begin(waiting))

    async def close(self) -> None:
        """Let go of all; they go on running."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.gather(self._beginning, return_exceptions=True)
        await asyncio.gather(*self._creating, return_exceptions=True)
        await asyncio.gather(*(container.close() for container in self._containers.values()))

    # -- inside -----------------------------------------------------------------------------------------------------------------

    async def _finish(self, making: Coroutine[Any, Any, Container]) -> Container:
        """Await ``making`` so that it goes on to its end when the caller is cancelled."""
        task = asyncio.create_task(making)
        self._creating.add(task)
        task.add_done_callback(self._creating.discard)
        return await asyncio.shield(task)

    async def _create(self, config: ContainerConfig, id: str, name: str | None) -> Container:
        with span("supervisor", "create container"):
            image = self._services.images.get(config.image)
            merged = self._resolve_shared(with_image(config, image.config))
            validate(merged, self._services.capabilities)

            async def prepare_snapshot(key: str) -> None:
                async with self._services.images.snapshot_for(image) as parent:
                    with span("supervisor", "prepare snapshot"):
                        await self._services.worker.run(launch.prepare_snapshot, self._services, key, parent, merged)

            return await self._new(id, image.id, name, merged, prepare_snapshot)

    async def _fork(
        self,
        source: ContainerRecord,
        config: ContainerConfig,
        copy: Callable[[str], Awaitable[None]],
        id: str,
        name: str | None,
    ) -> Container:
        with span("supervisor", "fork container"):
            merged = self._resolve_shared(evolve(config, image=source.config.image, forkable=source.config.forkable))
            validate(merged, self._services.capabilities)
            return await self._new(id, source.image_id, name, merged, copy)

    async def _new(
        self,
        id: str,
        image_id: str,
        name: str | None,
        config: ContainerConfig,
        prepare_snapshot: Callable[[str], Awaitable[None]],
    ) -> Container:
        networking.check(self._services, config)
        with self._reserve(id, image_id, name) as plain:
            await self._services.worker.run(check_sources, config)
            record = ContainerRecord(
                id=id,
                namespace=self._services.namespace,
                name=plain,
                image_id=image_id,
                config=config,
                created_ns=launch.now(),
            )
            try:
                await self._make(record, prepare_snapshot)
            except BaseException:
                await launch.discard(self._services, id)
                raise
            return self.add(record)

    @contextlib.contextmanager
    def _reserve(self, id: str, image_id: str, name: str | None) -> Iterator[str | None]:
        """Nobody else gets the id or the name, or removes the image, while a container is being made of them."""
        if id in self._services.ids:
            raise IdInUse(id)
        plain = self.take_name(id, name) if name is not None else None
        self._reserved[id] = image_id
        self._services.ids.add(id)
        try:
            yield plain
        except BaseException:
            self._services.ids.discard(id)
            self.free_name(id, plain)
            raise
        finally:
            del self._reserved[id]

    async def _make(self, record: ContainerRecord, prepare_snapshot: Callable[[str], Awaitable[None]]) -> None:
        """The record comes last: what is interrupted before it has no record, and recovery deletes it."""
        await self._services.worker.run(prepare.lay_out, self._services, record)
        await prepare_snapshot(record.id)
        if record.config.storage_size:
            await self._services.worker.run(launch.limit_snapshot, self._services, record.id, record.config)
        event = container_event(record, "create")

        def write(connection: sqlite3.Connection) -> None:
            store.insert(connection, record)
            event_log.append(connection, event)

        await self._services.database.write(write)
        self._services.events.announce()

    def _resolve_shared(self, config: ContainerConfig) -> ContainerConfig:
        """``container:<name>`` as ``container:<id>``, so that a later rename changes nothing. ContainerNotFound."""
        return evolve(
            config,
            network=self._resolved(config.network),
            pid=self._resolved(config.pid),
            ipc=self._resolved(config.ipc),
        )

    def _resolved(self, mode: str) -> str:
        reference = shared_with(mode)
        return f"container:{self.get(reference).id}" if reference else mode


async def _begin(containers: Iterable[Container]) -> None:
    for container in containers:
        try:
            await container.begin_with_the_supervisor()
        except Exception:
            _logger.exception("container %s is not started again", container.id)
