"""Agreeing with the kernel when a supervisor opens: whatever happened while there was none, and wherever the last one was stopped.

For each container the metadata say what was, and the runtime what is:

    ===================  ==============================  ==========================================================
    metadata             runtime                         what is done
    ===================  ==============================  ==========================================================
    created or exited    created                         a start was interrupted: the process never ran, delete it
    created or exited    running, or stopped later       it was started; adopt it
    running or paused    running or paused               adopt it: take its output, wait for its end
    running or paused    stopped                         the same; its end is there to be read at once
    running or paused    unknown                         the machine was restarted: exited with 255
    exited               stopped before                  its end was recorded, its deletion interrupted: delete it
    removing             whatever                        complete the removal
    none                 whatever                        half made or half deleted: delete it
    ===================  ==============================  ==========================================================
"""

from __future__ import annotations

import logging
import shutil
from functools import partial

import pyrunc
from pycontainerd.containers import store
from pycontainerd.containers.info import Status
from pycontainerd.errors import SupervisorError
from pycontainerd.tasks import launch
from pycontainerd.tasks.container import Container
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.services import Services

_logger = logging.getLogger(__name__)
_ACTIVE = {Status.RUNNING, Status.PAUSED}
_ADOPTED = {pyrunc.Status.PAUSED: Status.PAUSED}


async def recover(services: Services, containers: Containers) -> None:
    """Fill ``containers`` from the metadata and bring both to agree with the kernel."""
    records = await services.database.read(store.load)
    for record in records:
        containers.add(record)
    await services.worker.run(_remove_strays, services, {record.id for record in records})
    for container in containers.list():
        try:
            await _reconcile(services, container)
        except (SupervisorError, pyrunc.PyruncError, OSError):
            _logger.exception("container %s could not be recovered", container.id)


async def _reconcile(services: Services, container: Container) -> None:
    record = container.record
    if record.status is Status.REMOVING:
        await container.finish_removal()
        return
    process, state = await services.worker.run(_find, services, record.id)
    if process is None or state is None:
        if record.status in _ACTIVE:
            await container.vanished()
    elif state.status in {pyrunc.Status.CREATED, pyrunc.Status.CREATING} or _is_over(container, state):
        await services.worker.run(partial(process.delete, force=True))
    else:
        await container.adopt(process, _ADOPTED.get(state.status, Status.RUNNING), state.pid)
        return
    if container.config.remove_on_exit and container.record.status is Status.EXITED:
        await container.finish_removal()


def _is_over(container: Container, state: pyrunc.State) -> bool:
    """Whether what the runtime has is the run whose end the metadata have already."""
    record = container.record
    return (
        record.status not in _ACTIVE
        and state.status is pyrunc.Status.STOPPED
        and launch.nanoseconds(state.created) < record.finished_ns
    )


def _find(services: Services, id: str) -> tuple[pyrunc.Container | None, pyrunc.State | None]:
    try:
        process = services.runtime.get(id)
        return process, process.state()
    except pyrunc.ContainerNotFound:
        return None, None


def _remove_strays(services: Services, known: set[str]) -> None:
    """What belongs to no container of the metadata. The runtime's root and these directories are the supervisor's own."""
    for name in services.runtime.ids():
        if name not in known:
            _logger.warning("deleting the unknown container %s", name)
            services.runtime.delete(name, force=True)
    for parent in (services.root / "containers", services.state / "containers"):
        for path in parent.iterdir() if parent.is_dir() else ():
            if path.name not in known:
                shutil.rmtree(path)
