"""SIGKILL at random moments of pulls and pushes: the next supervisor has no half image, and the same works then.

PYCONTAINERD_ROUNDS sets how many rounds there are; a few by default.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from tests.supervisor.archives import COMPRESSIONS, layer, oci_layout
from tests.supervisor.registry.conftest import impatient, supervisor_with
from tests.supervisor.stores import Stored
from tests.support.registry import Registry

ROUNDS = int(os.environ.get("PYCONTAINERD_ROUNDS", "6"))
LAYERS = [layer(("data", os.urandom(400_000)), (f"{number}", b"x")) for number in range(6)]


async def killed(directory: Path, name: str, seconds: float) -> None:
    """Pull, push and remove over and over, and be killed."""
    command = [sys.executable, "-m", "tests.supervisor.registry.pulling", str(directory), name, "for-ever"]
    program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert program.stdout is not None
    assert await asyncio.wait_for(program.stdout.readline(), 20) == b"ready\n"
    await asyncio.sleep(seconds)
    assert program.returncode is None
    program.kill()
    await program.wait()


async def is_whole(supervisor: Supervisor) -> None:
    """Every image has all its blobs, each of them what its name says; nothing is there that belongs to no image and no pull."""
    stored = Stored.of(supervisor)
    assert not stored.ingests
    images = supervisor.images.list()[1:]
    needed = {layer.digest[7:] for image in images for layer in image.blobs}
    assert needed <= stored.blobs
    kept = {
        item.name[7:]
        for lease in await supervisor.leases.list()
        for item in await supervisor.leases.resources(lease.id)
    }
    assert stored.blobs <= needed | kept
    for image in images:
        for blob in image.blobs:
            supervisor.images._unpacker.verify(blob)


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * ROUNDS)
async def test_killed_while_pulling_and_pushing(tmp_short: Path, tmp_path: Path, plain: Registry) -> None:
    chance = random.Random(1)
    name = f"{plain.host}/killed:1"
    config = impatient(tmp_short)
    async with supervisor_with(tmp_short, config) as supervisor:
        root = oci_layout(tmp_path / "layout", LAYERS, name, COMPRESSIONS["gzip"])
        (image,) = await supervisor.images.import_archive(root)
        await supervisor.images.push(name)
        await supervisor.images.remove(name)
        assert Stored.of(supervisor).empty
    for _ in range(ROUNDS):
        await killed(tmp_short, name, chance.uniform(0.01, 0.6))
        async with supervisor_with(tmp_short, config) as supervisor:
            await is_whole(supervisor)
            assert (await supervisor.images.pull(name)).id == image.id
            await is_whole(supervisor)
            assert await supervisor.leases.list() == []
            for each in supervisor.images.list()[1:]:
                await supervisor.images.remove(each.id, force=True)
            assert Stored.of(supervisor).empty
