"""A supervisor for each test, on directories of its own; busybox in it on request."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pycontainerd import Image, Supervisor
from tests.support.run import MARKER, RUN


def supervisor_in(directory: Path, *, ephemeral: bool = False) -> Supervisor:
    """One whose root and state are in ``directory``, and whose cgroups carry the name of this run."""
    return Supervisor(
        directory / "root",
        directory / "state",
        cgroup_parent=f"/pycontainerd-{os.environ.get(MARKER, RUN.name)[:12]}-{directory.name}",
        ephemeral=ephemeral,
    )


async def remove_all(supervisor: Supervisor) -> None:
    """Remove every container, running or not."""
    for container in supervisor.containers.list():
        await container.remove(force=True)


@pytest.fixture
async def supervisor(tmp_short: Path) -> AsyncIterator[Supervisor]:
    async with supervisor_in(tmp_short) as made:
        yield made
        await remove_all(made)


@pytest.fixture
async def busybox(supervisor: Supervisor, busybox_tar: Path) -> Image:
    """The image ``busybox`` in the test's supervisor."""
    return await supervisor.images.import_rootfs(busybox_tar, "busybox", changes=["CMD sh"])
