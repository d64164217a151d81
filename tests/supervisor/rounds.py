"""The program of test_killed.py: it works on a supervisor as fast as it can, and waits for its SIGKILL.

``python -m tests.supervisor.rounds DIRECTORY SEED OPERATION TAR [ephemeral]`` says ``ready`` when it begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import sys
import tempfile
from pathlib import Path

from pycontainerd import ContainerConfig, ExecConfig, LeaseResource, Supervisor
from pycontainerd.errors import ImageNotFound
from tests.supervisor.archives import COMPRESSIONS, layer, oci_layout, tarred
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import create, start


async def create_and_remove(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    container = await create(supervisor, "true", name=f"c{chance.random()}")
    await container.rename(f"r{chance.random()}")
    await container.remove()


async def start_and_wait(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    container = await start(supervisor, "echo one; echo two", remove_on_exit=chance.random() < 0.5)
    await container.wait()


async def start_and_force(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    container = await start(supervisor, "sleep 1000")
    if chance.random() < 0.5:
        await container.pause()
    await container.remove(force=True)


async def exec_in(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    running = [container for container in supervisor.containers.list() if container.info().running]
    container = running[0] if running else await start(supervisor, "sleep 1000")
    made = await container.exec(ExecConfig(args=("sh", "-c", "exit 3")))
    await made.start()
    assert await made.wait() == 3


async def import_and_remove(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    name = f"i{chance.randrange(10**9)}"
    await supervisor.images.import_rootfs(tar, name, message=name)
    archive = supervisor.root.parent / f"{name}.saved"
    with archive.open("wb") as file:
        async for piece in supervisor.images.export([name]):
            file.write(piece)
    await supervisor.images.remove(name, force=True)
    await supervisor.images.import_archive(archive)
    await supervisor.images.tag(name, f"{name}:again")
    await supervisor.images.remove(name)
    await supervisor.images.remove(f"{name}:again")
    archive.unlink()


COMMITTED = "committed in a round"
FILES = tuple(f"{way}/{number}" for way in ("one", "two", "three") for number in range(50))


def layered(directory: Path) -> Path:
    """An archive of an image of three layers of 3 MB each, compressed; made once."""
    path = directory / "layered.tar"
    if not path.exists():
        data = random.Random(1).randbytes(1 << 16)
        layers = [layer(*((name, data) for name in FILES if name.startswith(way))) for way in ("one", "two", "three")]
        with tempfile.TemporaryDirectory(dir=directory) as made:
            layout = oci_layout(Path(made, "layout"), layers, "layered:latest", COMPRESSIONS["gzip"])
            tarred(layout, Path(made, "tar")).rename(path)
    return path


async def unpack(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    """Who does this at once shares the layers."""
    (image,) = await supervisor.images.import_archive(layered(tar.parent))
    mine = f"mine{chance.randrange(10**9)}:latest"
    with contextlib.suppress(ImageNotFound):  # the other was faster, and has removed it again
        await supervisor.images.tag(image.id, mine)
        with contextlib.suppress(ImageNotFound):
            await supervisor.images.remove("layered")
        container = await supervisor.containers.create(ContainerConfig(image=mine, args=("none",)))
        await container.remove()
        await supervisor.images.remove(mine)


async def lease_and_collect(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    lease = await supervisor.leases.create()
    with supervisor.leases.lease() as working:
        data = io.BytesIO(chance.randbytes(chance.choice([10, 1 << 20])))
        blob = await asyncio.to_thread(supervisor.content.ingest, data, working)
        await supervisor.leases.add(lease.id, LeaseResource.content(blob.digest))
    await supervisor.collect()
    assert supervisor.content.has(blob.digest)
    await supervisor.leases.delete(lease.id)
    assert not supervisor.content.has(blob.digest)


async def in_a_namespace(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    """The same image in two namespaces, brought in and removed on its own in each."""
    name = f"i{chance.randrange(10**9)}"
    for each in (supervisor.namespace("ci"), supervisor):
        await each.images.import_rootfs(tar, name)
        container = await each.containers.create(ContainerConfig(image=name, args=("none",)))
        await container.remove()
        await each.images.remove(name)


async def fork_and_remove(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    """Of one that runs and then of the same when it does not, in the pool or out of it."""
    original = await start(supervisor, "while :; do echo > /file; sleep 0.01; done", forkable=chance.random() < 0.5)
    copies = [await original.fork(start=chance.random() < 0.5)]
    await original.stop(timeout=0)
    copies += [await original.fork(start=False), await copies[0].fork()]
    for container in chance.sample([original, *copies], 4):
        await container.remove(force=True)


async def commit(supervisor: Supervisor, chance: random.Random, tar: Path) -> None:
    """What a container has done becomes an image, and a container of that finds it."""
    container = await start(supervisor, "echo one > /file; sleep 1000")
    name = f"c{chance.randrange(10**9)}"
    await container.commit(name, message=COMMITTED)
    await container.remove(force=True)
    again = await start(supervisor, "cat /file; sleep 1000", image=name)
    await again.remove(force=True)
    await supervisor.images.remove(name)


OPERATIONS = {
    each.__name__: each
    for each in (
        create_and_remove,
        start_and_wait,
        start_and_force,
        exec_in,
        import_and_remove,
        unpack,
        lease_and_collect,
        in_a_namespace,
        fork_and_remove,
        commit,
    )
}


async def main(directory: Path, seed: int, operation: str, tar: Path, *, ephemeral: bool) -> None:
    """Until somebody kills it."""
    chance = random.Random(seed)
    async with supervisor_in(directory, ephemeral=ephemeral) as supervisor:
        if ephemeral:
            await supervisor.images.import_rootfs(tar, "busybox")
        print("ready", flush=True)
        while True:
            await asyncio.gather(*(OPERATIONS[operation](supervisor, chance, tar) for _ in range(2)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), ephemeral=len(sys.argv) > 5))
