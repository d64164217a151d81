"""SIGKILL at random moments of everything a supervisor does: the next one opens, agrees with the kernel, and nothing is left.

PYCONTAINERD_ROUNDS sets how many rounds each operation gets; a few by default.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

import pyrunc
from pycontainerd import Status, Supervisor
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.rounds import OPERATIONS
from tests.supervisor.running import output
from tests.supervisor.stores import Stored

ROUNDS = int(os.environ.get("PYCONTAINERD_ROUNDS", "4"))


def killed(directory: Path, seed: int, operation: str, tar: Path, delay: float) -> None:
    command = [sys.executable, "-m", "tests.supervisor.rounds", str(directory), str(seed), operation, str(tar)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == b"ready\n", program.stderr.read().decode()
        time.sleep(delay)
        assert program.poll() is None, program.stderr.read().decode()
        program.kill()


async def agrees_with_the_kernel(supervisor: Supervisor) -> None:
    """Each container that runs is one that runs, the runtime has no other, and images are whole."""
    await settled(supervisor)
    containers = supervisor.containers.list()
    for container in containers:
        info = container.info()
        assert info.status in {Status.CREATED, Status.RUNNING, Status.PAUSED, Status.EXITED}
        assert (info.pid > 0 and Path(f"/proc/{info.pid}").exists()) == info.running
        async for record in container.logs():
            assert record.data in {b"one\n", b"two\n"}
    stored = Stored.of(supervisor)
    images = supervisor.images.list()[1:]
    assert stored.blobs == {layer.digest.removeprefix("sha256:") for image in images for layer in image.blobs}
    assert stored.ingests == set()
    assert stored.homes == {container.id for container in containers}


async def settled(supervisor: Supervisor) -> None:
    """What ended while nobody was there is taken over like the rest: its end is told, and cleared away, a moment later."""
    for container in supervisor.containers.list():
        if "echo two" in str(container.config.args):
            await container.wait()
        if container.config.remove_on_exit and container.info().status is not Status.CREATED:
            await container.wait("removed")
    runtime = pyrunc.Runtime(supervisor.runtime_root)
    deadline = time.monotonic() + 10
    while set(runtime.ids()) != {each.id for each in supervisor.containers.list() if each.info().running}:
        assert time.monotonic() < deadline, "the runtime has other containers than the supervisor"
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * ROUNDS)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_in_the_middle(tmp_short: Path, busybox_tar: Path, operation: str) -> None:
    chance = random.Random(f"{operation} 1")
    small = tmp_short / "small.tar"
    with tarfile.open(small, "w") as archive:
        archive.add(busybox_tar.parent, "tests", recursive=False)
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        before = Stored.of(first)
    for number in range(ROUNDS):
        delay = chance.uniform(0.005, 0.4)
        await asyncio.to_thread(killed, tmp_short, number, operation, small, delay)
        async with supervisor_in(tmp_short) as supervisor:
            await agrees_with_the_kernel(supervisor)
            assert await output(supervisor, "echo works") == "works\n"
            await remove_all(supervisor)
            for image in supervisor.images.list()[1:]:
                for name in image.references or (image.id,):
                    if name != "busybox:latest":
                        await supervisor.images.remove(name)
            assert Stored.of(supervisor) == before
