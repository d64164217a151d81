"""A container's file system for those outside of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from pycontainerd.containers.record import ContainerRecord
from pycontainerd.diff.owners import AS_THEY_ARE, Owners
from pycontainerd.tasks.detached import detached
from pycontainerd.tasks.services import Services


def owners_seen(record: ContainerRecord) -> Owners:
    """How the owners in ``container_root`` are those of the container: its processes' numbers on the machine while it runs, and its own otherwise."""
    if not record.pid or record.config.userns != "private":
        return AS_THEY_ARE
    return Owners(record.config.uid_mappings, record.config.gid_mappings)


@contextlib.asynccontextmanager
async def container_root(services: Services, record: ContainerRecord) -> AsyncIterator[int]:
    """The root directory as a descriptor. While the container runs it is the one that its processes see, with all mounts.

    Paths below it are the container's, so hostile: resolve them with openat2(2) and RESOLVE_IN_ROOT, never by joining strings.
    """
    with contextlib.ExitStack() as stack:
        if record.pid:
            fd = os.open(f"/proc/{record.pid}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, fd)
        else:
            mounts = await services.worker.run(services.snapshots.mounts, record.id)
            # Entered here and not in a thread: it takes half a millisecond, and must be left although the task is cancelled.
            fd = stack.enter_context(detached(mounts, read_only=False))
        yield fd
