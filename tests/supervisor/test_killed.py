"""SIGKILL at random moments of everything a supervisor does: the next one opens, agrees with the kernel, and nothing is left.

PYCONTAINERD_ROUNDS sets how many rounds each operation gets; a few by default, and many by ``nox -s killed``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest

import pyrunc
from pycontainerd import ContainerConfig, Event, Image, Namespace, Status, Supervisor
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.rounds import COMMITTED, FILES, OPERATIONS, layered
from tests.supervisor.running import output
from tests.supervisor.stores import Stored

ROUNDS = int(os.environ.get("PYCONTAINERD_ROUNDS", "4"))
OPENING = "opening"
"""The operation of a program that is killed while it takes over what another has left that was killed, too."""


def files_of(directory: Path) -> set[str]:
    """What the stores have at this moment, without a look into the database that nobody has recovered yet."""
    parts = (
        "root/content/blobs/sha256",
        "root/content/ingest",
        "root/snapshots",
        "root/containers",
        "state/containers",
    )
    return {f"{part}/{name}" for part in parts if (directory / part).exists() for name in os.listdir(directory / part)}


def killed(directory: Path, seed: int, operation: str, tar: Path, delay: float) -> None:
    """Let a program do ``operation`` again and again, and kill it ``delay`` seconds after it has begun."""
    if operation == OPENING:
        for each, wait in ((("start_and_force", "unpack", "import_and_remove")[seed % 3], True), ("exec_in", False)):
            _killed(directory, seed, each, tar, delay if wait else 0.25 + delay / 2, wait)  # Python has to start first
    else:
        _killed(directory, seed, operation, tar, delay, True)


def _killed(directory: Path, seed: int, operation: str, tar: Path, delay: float, ready: bool) -> None:
    command = [sys.executable, "-m", "tests.supervisor.rounds", str(directory), str(seed), operation, str(tar)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        if ready:
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
    await events_are_whole(supervisor)
    namespaces = [supervisor.namespace(name) for name in ("default", "ci")]
    blobs = {blob for each in namespaces for image in each.images.list()[1:] for blob in blobs_of(each, image)}
    blobs |= {
        each.name for lease in await supervisor.leases.list() for each in await supervisor.leases.resources(lease.id)
    }
    stored = Stored.of(supervisor)
    assert stored.blobs == {digest.removeprefix("sha256:") for digest in blobs}
    assert stored.ingests == set()
    assert stored.homes == {container.id for each in namespaces for container in each.containers.list()}


def blobs_of(namespace: Namespace, image: Image) -> list[str]:
    """The digests of an image's blobs, each of which is what it says."""
    for blob in image.blobs:
        with namespace.content.open(blob.digest) as file:
            assert f"sha256:{hashlib.sha256(file.read()).hexdigest()}" == blob.digest
    return [blob.digest for blob in image.blobs]


async def events_are_whole(supervisor: Supervisor) -> None:
    """What is there was created once; what is gone was destroyed once; what runs was started once more than it ended."""
    seen: dict[str, Counter[str]] = {}
    for event in await all_events(supervisor):
        seen.setdefault(event.actor, Counter())[event.action] += 1
    there = {container.id: container.info() for container in supervisor.containers.list()}
    assert there.keys() <= seen.keys()
    for container_id, count in seen.items():
        info = there.get(container_id)
        assert count["create"] == 1
        assert count["destroy"] == (info is None)
        assert count["start"] - count["die"] == (info is not None and info.running)


async def all_events(supervisor: Supervisor) -> list[Event]:
    mark = await supervisor.events.publish("test", "mark", "")
    events, found = supervisor.events.subscription(since=0), list[Event]()
    async for event in events:
        if event.cursor == mark.cursor:
            break
        found.append(event)
    await events.aclose()
    return [event for event in found if event.type == "container"]


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


async def works(supervisor: Supervisor, operation: str, tar: Path) -> None:
    """What was interrupted can be done; and a container of what was there before has all of it."""
    if operation != OPENING:
        await OPERATIONS[operation](supervisor, random.Random(), tar)
    assert await output(supervisor, "echo works") == "works\n"
    for image in supervisor.images.list()[1:]:
        if "busybox:latest" not in image.references:
            await is_whole(supervisor, image)


async def is_whole(supervisor: Supervisor, image: Image) -> None:
    """Its layers hold what the archive had."""
    container = await supervisor.containers.create(ContainerConfig(image=image.id, args=("none",)))
    async with container.rootfs() as root:
        if len(image.layers) == 3:
            assert {os.stat(name, dir_fd=root).st_size for name in FILES} == {1 << 16}
        elif any(step.comment == COMMITTED for step in image.history):
            assert os.path.exists(f"/proc/self/fd/{root}/bin/sh")
        else:
            assert os.listdir(root) == ["tests"]


async def clear_up(supervisor: Supervisor) -> None:
    """Back to what there was before the first round."""
    for each in map(supervisor.namespace, ("default", "ci")):
        for container in each.containers.list():
            await container.remove(force=True)
        for image in each.images.list()[1:]:
            if "busybox:latest" not in image.references:
                await each.images.remove(image.id, force=True)
    for lease in await supervisor.leases.list():
        await supervisor.leases.delete(lease.id)


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * ROUNDS)
@pytest.mark.parametrize("operation", [*OPERATIONS, OPENING])
async def test_killed_in_the_middle(tmp_short: Path, busybox_tar: Path, operation: str) -> None:
    chance = random.Random(f"{operation} 1")
    small = tmp_short / "small.tar"
    with tarfile.open(small, "w") as archive:
        archive.add(busybox_tar.parent, "tests", recursive=False)
    layered(tmp_short)
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        before = Stored.of(first)
    unfinished = 0
    for number in range(ROUNDS):
        delay = chance.uniform(0.005, 0.4)
        await asyncio.to_thread(killed, tmp_short, number, operation, small, delay)
        left = files_of(tmp_short)
        async with supervisor_in(tmp_short) as supervisor:
            unfinished += files_of(tmp_short) != left
            await agrees_with_the_kernel(supervisor)
            await works(supervisor, operation, small)
            await clear_up(supervisor)
            assert Stored.of(supervisor) == before
    print(f"{operation}: {ROUNDS} rounds, {unfinished} of them left something that had to be cleared up")
