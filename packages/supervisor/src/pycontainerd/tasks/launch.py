"""From a record to a running process, and away with everything again."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import pyrunc
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import Conflict, SnapshotNotFound, Unsupported
from pycontainerd.oci.namespaces import shared_with, users_of
from pycontainerd.snapshots.forking import ForkingSnapshotter
from pycontainerd.snapshots.overlayfs import OverlaySnapshotter
from pycontainerd.tasks import networking, prepare, quota
from pycontainerd.tasks.checkpoints import Checkpoint
from pycontainerd.tasks.failures import starting
from pycontainerd.tasks.idmap import mapped_root
from pycontainerd.tasks.neighbours import Neighbours
from pycontainerd.tasks.output import Log
from pycontainerd.tasks.prepare import Shared
from pycontainerd.tasks.run import Run
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.stdio import Stdio
from pycontainerd.tracing import span

_FAILED = "failed to create task for container: unable to start container process"


def now() -> int:
    """Nanoseconds since the epoch."""
    return time.time_ns()


def nanoseconds(moment: datetime) -> int:
    """The same of a datetime, without a float's rounding."""
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def shared(record: ContainerRecord, neighbours: Neighbours[object]) -> Shared:
    """The containers whose namespaces ``record`` joins. ContainerNotFound; Conflict when one of them does not run."""
    config, pids = record.config, {}
    network_of: str | None = None
    for kind, mode in (("network", config.network), ("pid", config.pid), ("ipc", config.ipc)):
        reference = shared_with(mode)
        if reference is None:
            continue
        other = neighbours.record_of(reference)
        if not other.pid:
            raise Conflict(f"cannot join {kind} of a non running container: {other.id}")
        if users_of(other.config) != users_of(config):
            raise Conflict(f"cannot join {kind} of container {other.id}: it has another user namespace")
        pids[kind] = other.pid
        network_of = other.id if kind == "network" else network_of
    return Shared(pids=pids, network_of=network_of)


def prepare_snapshot(services: Services, key: str, parent: str | None, config: ContainerConfig) -> None:
    """Make the file system of a new container on top of its image's. Unsupported for a forkable one where there cannot be one."""
    if config.forkable:
        forking(services).prepare_forkable(key, parent)
    else:
        services.snapshots.prepare(key, parent)


def limit_snapshot(services: Services, key: str, config: ContainerConfig) -> None:
    """Hold what a new container writes to its size. Unsupported where the file system, or the snapshotter, cannot."""
    if not isinstance(services.snapshots, OverlaySnapshotter):
        raise Unsupported(
            f"storage_size: {type(services.snapshots).__name__} cannot tell what is the container's own: use overlayfs"
        )
    quota.limit(Path(services.snapshots.writable(key)).parent, config.storage_size or 0, int(key[:6], 16))


def forking(services: Services) -> ForkingSnapshotter:
    """The snapshotter, if it can fork. Unsupported."""
    if not isinstance(services.snapshots, ForkingSnapshotter):
        raise Unsupported(f"{type(services.snapshots).__name__} cannot copy the file system of a container")
    return services.snapshots


async def launch(
    services: Services,
    record: ContainerRecord,
    stdio: Stdio,
    joined: Shared,
    console_size: tuple[int, int] | None,
    checkpoint: Checkpoint | None = None,
) -> tuple[pyrunc.Container, Run]:
    """Make the process and let it go; its streams are connected before its first instruction. One from a checkpoint is going already.

    Raises StartFailed or InvalidConfig, and leaves nothing of the attempt behind.
    """
    run_in_thread = services.worker.run
    with starting(_FAILED):
        process = await run_in_thread(_create, services, record, joined, console_size, checkpoint)
        run: Run | None = None
        try:
            with span("supervisor", "connect stdio"):
                run = await connect(services, record, process, stdio)
            await networking.connect(services, record, process.pid)
            if checkpoint is None:
                with span("supervisor", "release"):
                    await run_in_thread(process.start)
        except BaseException:
            await undo(services, record, process, run, stdio)
            raise
    return process, run


async def undo(
    services: Services, record: ContainerRecord, process: pyrunc.Container, run: Run | None, stdio: Stdio
) -> None:
    """Away with a process that was made, and with its connections."""
    await networking.disconnect(services, record)
    try:
        await services.worker.run(partial(process.delete, force=True))
    finally:
        if run is not None:
            await run.abandon()
        stdio.disconnect()


def _create(
    services: Services,
    record: ContainerRecord,
    joined: Shared,
    console_size: tuple[int, int] | None,
    checkpoint: Checkpoint | None,
) -> pyrunc.Container:
    with span("supervisor", "specification"):
        roots = services.snapshots.mounts(record.id)
        spec = prepare.specification(services, record, roots, joined, console_size)
        bundle = prepare.bundle(services, record.id)
    pipes = pyrunc.Stdio.pipes(stdin=record.config.open_stdin)
    if checkpoint is not None:
        _delete_process(services, record.id)
        return services.runtime.restore(
            record.id,
            bundle,
            checkpoint.directory,
            spec=spec,
            stdio=pipes,
            monitor=True,
            root_mounts=roots,
            options=checkpoint.options.to_restore(),
        )
    with span("supervisor", "runtime create"):
        _delete_process(services, record.id)  # what could not be deleted when its last run ended
        with mapped_root(record.config, roots) as tree:
            return services.runtime.create(
                record.id,
                bundle,
                spec=spec,
                stdio=pipes,
                monitor=True,
                root_mounts=roots if tree is None else (),
                root_tree=tree,
                init=record.config.init,
            )


async def connect(services: Services, record: ContainerRecord, process: pyrunc.Container, stdio: Stdio) -> Run:
    """Begin to take what the process writes, into its log too."""
    way = await services.worker.run(Log(services, record).intake)
    try:
        return await Run.connect(process, stdio, way, services.pump, services.worker)
    except BaseException:
        if way is not None:
            way.close(finished=False)
        raise


async def discard(services: Services, id: str) -> None:
    """Delete what the runtime, the snapshotter and the file system have of a container; what is gone already is no failure."""
    await services.worker.run(_discard, services, id)


def _discard(services: Services, id: str) -> None:
    _delete_process(services, id)
    prepare.clear_away(services, id)  # first: when the disk is full, this is the room in which the rest is written down
    _remove_snapshot(services, id)


def _delete_process(services: Services, id: str) -> None:
    with contextlib.suppress(pyrunc.ContainerNotFound):
        services.runtime.delete(id, force=True)


def _remove_snapshot(services: Services, id: str) -> None:
    with contextlib.suppress(SnapshotNotFound):
        services.snapshots.remove(id)
