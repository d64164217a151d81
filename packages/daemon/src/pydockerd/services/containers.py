"""Containers for the API: creating one, gathering what the views need, choosing and pruning."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from pycontainerd import Container
from pycontainerd.containers.info import Status
from pycontainerd.containers.names import new_id
from pycontainerd.errors import (
    AmbiguousId,
    ContainerNotFound,
    ContainerRunning,
    ImageNotFound,
    InvalidConfig,
    NameInUse,
    RemovalInProgress,
    RuntimeFailed,
    SupervisorError,
)
from pydockerd.cdi.inject import no_driver
from pydockerd.cdi.specification import Edits, find
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, InternalError, NotFound
from pydockerd.filters import Filters
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.names import fresh_name
from pydockerd.services.mounts import mounting
from pydockerd.services.networks import connections, sandbox
from pydockerd.services.resolving import resolving
from pydockerd.times import moment_ns
from pydockerd.translate import networks
from pydockerd.translate.container import container_config, origin
from pydockerd.translate.defaults import with_defaults
from pydockerd.translate.namespaces import MANAGED
from pydockerd.translate.update import update as translate_update
from pydockerd.views.container import ContainerFacts
from pydockerd.views.selection import Selection
from pydockerd.volumes.point import points_of
from pydockerd.volumes.volume import State

_TRIES: Final = 20
"""Of names that are made up."""


async def create(engine: Engine, request: CreateRequest, name: str | None) -> tuple[Container, tuple[str, ...]]:
    """A new container, and what its creator is to be warned of. One that is given no name gets one."""
    if name is not None:
        return await _create(engine, request, name)
    for _ in range(_TRIES):
        with contextlib.suppress(NameInUse):  # somebody else was given the same in the same moment
            return await _create(engine, request, fresh_name(_Names(engine)))
    raise InternalError("no free name was found: give the container one")


async def _create(engine: Engine, request: CreateRequest, name: str) -> tuple[Container, tuple[str, ...]]:
    settings = engine.settings
    request = with_defaults(
        request,
        cgroup_parent=settings.cgroup_parent,
        defaults=settings.defaults,
        default_network="bridge" if engine.networks.has_default else "none",
    )
    known = await _devices(engine, request.host)
    request = networks.with_exposed(request, _exposed_by(engine, request.config.image))
    networks.check(request)
    translation = container_config(request, engine.facts, known)
    if translation.config.network == MANAGED:
        engine.networks.warm()
    try:
        image = engine.supervisor.images.get(request.config.image)
        async with mounting(engine, new_id(), request, image.config) as made:
            config = made.config(await resolving(engine, translation.config))
            container = await engine.supervisor.containers.create(config, id=made.id, name=name)
            try:
                await made.fill(container)
                await made.keep(config)
            except BaseException:
                await container.remove()
                raise
    except ImageNotFound:
        raise NotFound(f"No such image: {_tagged(request.config.image)}") from None
    except ContainerNotFound as error:
        # that it is to share with; of a 404 the docker CLI thinks that an image is missing, and pulls it
        raise BadRequest(str(error)) from None
    return container, translation.warnings


async def _devices(engine: Engine, host: HostConfig) -> Mapping[str, tuple[Edits, ...]]:
    """What is known of devices, for who asks for some. BadRequest where that is switched off."""
    if not host.device_requests:
        return {}
    if not engine.settings.has_feature("cdi", True):
        raise BadRequest(no_driver(host.device_requests[0]))
    return await asyncio.to_thread(find, engine.settings.cdi_spec_dirs)


async def remove(engine: Engine, container: Container, *, force: bool, volumes: bool) -> None:
    """Delete it, with ``volumes`` also those that nobody has named and no other container has."""
    going = [point.name for point in points_of(container.config) if point.anonymous] if volumes else []
    going = [name for name in going if engine.volumes.references(name) <= {container.id}]
    await engine.volumes.settle(going, container.id, State.LEAVING)
    try:
        await container.remove(force=force, volumes=volumes)
    except Exception:
        if not container.config.remove_on_exit:
            await engine.volumes.settle(going, container.id, State.READY)
        raise


@frozen
class _Names:
    """Those in use, to be asked for one: of thousands of containers, a list would take longer to make."""

    _engine: Engine

    def __contains__(self, name: object) -> bool:
        try:
            self._engine.supervisor.containers.get(str(name))
        except ContainerNotFound:
            return False
        except AmbiguousId:
            return True
        return True


async def start(engine: Engine, container: Container) -> None:
    """Start it. What is wrong with its networks is the supervisor's to tell, NetworkFailed; a container that is not to be kept is removed then."""
    await container.start(console_size=console_size(container))


async def rename(engine: Engine, container: Container, name: str) -> None:
    """Call it otherwise, also on its networks. Raises NameInUse, RemovalInProgress."""
    await container.rename(name)
    await engine.networks.rename(sandbox(engine, container))


async def update(engine: Engine, container: Container, asked: HostConfig) -> None:
    """Change its limits and its restart policy. Raises BadRequest, NotFound, Conflict, InternalError."""
    changed = translate_update(asked, container.config, engine.facts)
    try:
        await container.update(resources=changed.resources, restart=changed.restart, annotations=changed.annotations)
    except InvalidConfig as error:
        raise BadRequest(f"Cannot update container {container.id}: {error.rule}") from None
    except RuntimeFailed as error:
        raise InternalError(f"Cannot update container {container.id}: {error}") from None


def console_size(container: Container) -> tuple[int, int] | None:
    """(rows, columns) that the creator had; None for a container without a terminal, or when it did not say."""
    request = origin(container.config) if container.config.terminal else None
    if request is None or len(request.host.console_size) != 2 or not all(request.host.console_size):
        return None
    rows, columns = request.host.console_size
    return rows, columns


async def facts(engine: Engine, container: Container, *, size: bool = False) -> ContainerFacts:
    """What a view shows of one container."""
    return ContainerFacts(
        config=container.config,
        info=container.info(),
        image=container.config.image,
        log_path=str(container.log_path or "") if container.config.log.driver == "json-file" else "",
        exec_ids=tuple(process.id for process in container.execs() if process.info().running),
        sizes=await sizes(engine, container) if size else None,
        connections=connections(engine, container.id, container.config),
        driver=engine.settings.storage_driver,
    )


async def select(engine: Engine, filters: Filters, *, all: bool, limit: int, size: bool) -> list[ContainerFacts]:
    """The containers that a list shows, newest first."""
    everything = {container.id: container for container in engine.supervisor.containers.list()}
    ancestors = frozenset(_image_ids(engine, filters.get("ancestor")))
    selection = Selection(filters=filters, all=all, limit=limit, ancestors=ancestors)
    picked = selection.pick(_plain(engine, container) for container in everything.values())
    if not size:
        return picked
    return [await facts(engine, everything[chosen.info.id], size=True) for chosen in picked]


async def prune(engine: Engine, filters: Filters) -> tuple[tuple[str, ...], int]:
    """Remove what does not run; the ids that went, and the bytes they had."""
    until = [moment for value in filters.get("until") if (moment := moment_ns("until", value)) is not None]
    deleted: list[str] = []
    reclaimed = 0
    for container in engine.supervisor.containers.list():
        info = container.info()
        created_ns = int(info.created_at.timestamp() * 1e9)
        if info.running or info.status is Status.RESTARTING or not filters.labels(container.config.labels):
            continue
        if any(created_ns > moment for moment in until):
            continue
        own, _ = await sizes(engine, container)
        try:
            await container.remove()
        except (ContainerRunning, ContainerNotFound, RemovalInProgress):
            continue
        deleted.append(container.id)
        reclaimed += own
    await engine.supervisor.events.publish("container", "prune", "", {"reclaimed": str(reclaimed)})
    return tuple(deleted), reclaimed


async def sizes(engine: Engine, container: Container) -> tuple[int, int]:
    """Bytes of the writable layer, and of it and the image together."""
    own = (await asyncio.to_thread(engine.supervisor.snapshots.usage, container.id)).size
    try:
        image = engine.supervisor.images.get(container.image_id).size
    except ImageNotFound:
        image = 0
    return own, own + image


def _plain(engine: Engine, container: Container) -> ContainerFacts:
    return ContainerFacts(
        config=container.config,
        info=container.info(),
        image=container.config.image,
        connections=connections(engine, container.id, container.config),
    )


def _exposed_by(engine: Engine, reference: str) -> tuple[str, ...]:
    """The ports that an image says its containers listen on. That there is none of this name is told where it is needed."""
    try:
        return engine.supervisor.images.get(reference).config.exposed_ports
    except SupervisorError:
        return ()


def _image_ids(engine: Engine, references: Iterable[str]) -> Iterable[str]:
    for reference in references:
        try:
            yield engine.supervisor.images.get(reference).id
        except ImageNotFound:
            continue


def _tagged(reference: str) -> str:
    """As docker names an image that it does not have: with its tag."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in reference else f"{reference}:latest"
