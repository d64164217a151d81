"""A collection that never rests, while everything else goes on: nothing that is in use is taken, and in the end nothing is left."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from attrs import evolve

from pycontainerd import LeaseResource, Supervisor
from tests.supervisor.archives import layer, oci_layout
from tests.supervisor.running import create, said
from tests.supervisor.stores import Stored


@asynccontextmanager
async def collecting(supervisor: Supervisor) -> AsyncIterator[list[int]]:
    """Collects again and again; the list grows by one each time."""
    rounds: list[int] = []

    async def collect() -> None:
        while True:
            await supervisor.collect()
            rounds.append(1)

    task = asyncio.create_task(collect())
    yield rounds
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def live(supervisor: Supervisor, directory: Path, number: int) -> None:
    """Import, run, tag, export, remove: of layers that the others have too, and of one that nobody has."""
    shared, own = layer(("shared", b"x" * 50_000)), layer(("own", os.urandom(1000)))
    for turn in range(4):
        name = f"n{number}:{turn}"
        archive = oci_layout(directory / f"{number}-{turn}", [shared, own], name)
        await supervisor.images.import_archive(archive)
        container = await create(supervisor, "true", image=name)
        await supervisor.images.tag(name, f"{name}-too")
        assert len(b"".join([piece async for piece in supervisor.images.export([name])])) > 50_000
        await supervisor.images.remove(name)
        async with container.rootfs() as root:
            assert sorted(os.listdir(root)) == ["own", "shared"]
        await container.remove()
        await supervisor.images.remove(f"{name}-too")


async def lease(supervisor: Supervisor, number: int) -> None:
    for turn in range(20):
        kept = await supervisor.leases.create()
        data = b"loose %d" % (turn % 3)  # the same as the others', at times
        with supervisor.leases.lease() as working:
            blob = await asyncio.to_thread(supervisor.content.ingest, io.BytesIO(data), working)
            await supervisor.leases.add(kept.id, LeaseResource.content(blob.digest))
        with supervisor.content.open(blob.digest) as file:
            assert file.read() == data
        await supervisor.leases.delete(kept.id)


async def test_everything_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    async with collecting(supervisor) as rounds:
        await asyncio.gather(
            *(live(supervisor, tmp_path, number) for number in range(3)),
            *(lease(supervisor, number) for number in range(2)),
        )
    assert len(rounds) > 10
    await supervisor.collect()
    assert Stored.of(supervisor).empty


async def test_commits_and_forks(supervisor: Supervisor, busybox_tar: Path) -> None:
    """What comes of a container is not there before it is finished, and is not taken before it has a name."""

    async def live(number: int) -> None:
        container = await create(supervisor, f"echo {number} > /file")
        await container.start()
        await container.wait()
        for turn in range(3):
            name = f"c{number}:{turn}"
            await container.commit(name)
            fork = await container.fork(config=evolve(container.config, args=("cat", "/file")))
            made = await create(supervisor, "cat /file", image=name)
            await made.start()
            for each in (made, fork):
                assert (await each.wait()).code == 0
                assert await said(each) == b"%d\n" % number
                await each.remove()
            await supervisor.images.remove(name)
        await container.remove()

    await supervisor.images.import_rootfs(busybox_tar, "busybox")
    async with collecting(supervisor):
        await asyncio.gather(*map(live, range(3)))
    await supervisor.images.remove("busybox")
    assert Stored.of(supervisor).empty


async def test_a_running_container(supervisor: Supervisor, busybox_tar: Path) -> None:
    async with collecting(supervisor):
        for number in range(3):
            await supervisor.images.import_rootfs(busybox_tar, "busybox", message=str(number))
            container = await create(supervisor, "sleep 0.1; echo fine")
            await container.start()
            await supervisor.images.remove("busybox", force=True)
            assert (await container.wait()).code == 0
            assert await said(container) == b"fine\n"
            await container.remove()
            await supervisor.images.remove(container.image_id)
    assert Stored.of(supervisor).empty
