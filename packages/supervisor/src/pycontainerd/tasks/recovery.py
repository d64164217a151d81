"""Agreeing with the kernel when a supervisor opens: whatever happened while there was none, and wherever the last one was stopped.

For each container the metadata say what was, and the runtime what is:

    ===================  ==============================  ==========================================================
    metadata             runtime                         what is done
    ===================  ==============================  ==========================================================
    created or exited    half made, or created           a start was interrupted: the process never ran, delete it
    created or exited    running, or stopped later       it was started; adopt it
    running or paused    running or paused               adopt it: take its output, wait for its end
    running or paused    stopped                         the same; its end is there to be read at once
    running or paused    unknown                         the machine was restarted: exited with 255
    restarting           unknown                         start it again
    exited               unknown                         start it again, if its restart policy says so
    exited               stopped before                  its end was recorded, its deletion interrupted: delete it
    removing             whatever                        complete the removal
    any of these         its monitor was killed          nobody can watch it: kill it; exited with 255
    none                 whatever                        half made or half deleted: delete it
    ===================  ==============================  ==========================================================
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from functools import partial

import pyrunc
from pycontainerd import tree
from pycontainerd.containers import store
from pycontainerd.containers.info import Status
from pycontainerd.containers.names import is_id
from pycontainerd.errors import SupervisorError
from pycontainerd.images.unpack import WORKING
from pycontainerd.snapshots.snapshotter import Kind, Snapshot
from pycontainerd.tasks import launch, networking
from pycontainerd.tasks.container import Container
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.standstill import go_on

_logger = logging.getLogger(__name__)
_ACTIVE = {Status.RUNNING, Status.PAUSED}
_ADOPTED = {pyrunc.Status.PAUSED: Status.PAUSED}


async def recover(services: Services, containers_of: Callable[[str], Containers]) -> None:
    """Fill the containers of each namespace from the metadata and bring both to agree with the kernel."""
    records = await services.database.read(store.load)
    for container in [containers_of(record.namespace).add(record) for record in records]:
        try:
            await _reconcile(services, container)
        except (SupervisorError, pyrunc.PyruncError, OSError):
            _logger.exception("container %s could not be recovered", container.id)
    await services.worker.run(_remove_strays, services, {record.id for record in records})
    of_namespaces = [containers_of(namespace) for namespace in dict.fromkeys(record.namespace for record in records)]
    await networking.reconcile(services, [each.record for containers in of_namespaces for each in containers.list()])
    for containers in of_namespaces:
        containers.begin()


async def _reconcile(services: Services, container: Container) -> None:
    record = container.record
    if record.status is Status.REMOVING:
        await container.finish_removal()
        return
    process, state = await services.worker.run(_found, services, record.id)
    if process is None or state is None:
        if record.status in _ACTIVE:
            await container.vanished()
    elif _never_ran(process, state) or _is_over(container, state):
        await services.worker.run(partial(process.delete, force=True))
    elif await _adopted(services, container, process, state):
        return
    if container.config.remove_on_exit and container.record.status is Status.EXITED:
        await container.finish_removal()


async def _adopted(services: Services, container: Container, process: pyrunc.Container, state: pyrunc.State) -> bool:
    """False when its monitor was killed: nobody can have its output or learn how it ends, so it is ended."""
    try:
        await container.adopt(process, _ADOPTED.get(state.status, Status.RUNNING), state.pid)
    except pyrunc.ProcessGone:
        _logger.error("container %s has lost its monitor and is killed", container.id)
        await services.worker.run(partial(process.delete, force=True))
        if container.record.status in _ACTIVE:
            await container.vanished()
        return False
    return True


def _never_ran(process: pyrunc.Container, state: pyrunc.State) -> bool:
    """Killed while the runtime was making it (there is no process then), or before it was let go."""
    return not process.pid or state.status in {pyrunc.Status.CREATED, pyrunc.Status.CREATING}


def _is_over(container: Container, state: pyrunc.State) -> bool:
    """Whether what the runtime has is the run whose end the metadata have already."""
    record = container.record
    return (
        record.status not in _ACTIVE
        and state.status is pyrunc.Status.STOPPED
        and launch.nanoseconds(state.created) < record.finished_ns
    )


def _found(services: Services, id: str) -> tuple[pyrunc.Container | None, pyrunc.State | None]:
    """What the runtime has of a container; one that was held still for a fork moves again."""
    process, _ = _find(services, id)
    if process is not None:
        with contextlib.suppress(pyrunc.PyruncError, OSError):
            go_on(services, id, process)
    return _find(services, id)


def _find(services: Services, id: str) -> tuple[pyrunc.Container | None, pyrunc.State | None]:
    try:
        process = services.runtime.get(id)
        return process, process.state()
    except pyrunc.ContainerNotFound:
        return None, None
    except pyrunc.StateError as error:  # killed before the runtime had written down anything
        _logger.warning("deleting what an interrupted start has left: %s", error)
        services.runtime.delete(id, force=True)
        return None, None


def _remove_strays(services: Services, known: set[str]) -> None:
    """What belongs to no container of the metadata. The runtime's root and these directories are the supervisor's own."""
    for name in services.runtime.ids():
        if name not in known:
            with _one_stray(f"container {name}"):
                services.runtime.delete(name, force=True)
    for snapshot in services.snapshots.walk():
        if _is_stray(snapshot, known):
            with _one_stray(f"snapshot {snapshot.key}"):
                services.snapshots.remove(snapshot.key)
    for parent in (services.root / "containers", services.state / "containers"):
        for path in parent.iterdir() if parent.is_dir() else ():
            if path.name not in known:
                with _one_stray(str(path)):
                    tree.remove(path)


def _is_stray(snapshot: Snapshot, known: set[str]) -> bool:
    """Containers' snapshots have their ids as keys; other keys are those of whoever else uses the snapshotter."""
    ours = is_id(snapshot.key) or snapshot.key.startswith(WORKING)
    return snapshot.kind is not Kind.COMMITTED and ours and snapshot.key not in known


@contextlib.contextmanager
def _one_stray(what: str) -> Iterator[None]:
    """One that will not go must not keep the supervisor from opening."""
    _logger.warning("deleting what an interrupted supervisor has left: %s", what)
    try:
        yield
    except (SupervisorError, pyrunc.PyruncError, OSError):
        _logger.exception("%s is not deleted", what)
