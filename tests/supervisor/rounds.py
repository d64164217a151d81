"""The program of test_killed.py: it works on a supervisor as fast as it can, and waits for its SIGKILL.

``python -m tests.supervisor.rounds DIRECTORY SEED OPERATION TAR [ephemeral]`` says ``ready`` when it begins.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from pycontainerd import ExecConfig, Supervisor
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


OPERATIONS = {
    each.__name__: each for each in (create_and_remove, start_and_wait, start_and_force, exec_in, import_and_remove)
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
