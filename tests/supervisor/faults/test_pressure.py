"""Too little memory, too little processor, a slow disk, a full disk."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from pycontainerd import Container, ContainerConfig, Resources, Supervisor
from pycontainerd.errors import InvalidConfig, NotRunning
from tests.supervisor.faults.conftest import Run
from tests.supervisor.running import start

MEMORY = "head -c 64m /dev/zero | tail | wc -c"
SPIN = "i=0; end=$(($(date +%s%N) + 500000000)); while [ $(date +%s%N) -lt $end ]; do i=$((i + 1)); done; echo $i"
WRITE = "dd if=/dev/zero of=/srv/data/direct bs=64k count=16 oflag=direct conv=notrunc 2>&1"


async def test_memory(container: Container, run: Run) -> None:
    assert await run(MEMORY) == (0, "67108864\n")
    async with container.faults.memory(16 << 20):
        assert sorted((await run(MEMORY))[1].split()) == ["0", "Killed"]
        assert container.info().running
    assert await run(MEMORY) == (0, "67108864\n")


async def test_its_own_limit_is_in_force_again(supervisor: Supervisor) -> None:
    made = await supervisor.containers.create(
        ContainerConfig(image="host", args=("sleep", "100"), resources=Resources(memory=96 << 20, nano_cpus=10**9))
    )
    await made.start()
    before = await limits(made)
    assert before == (96 << 20, 100_000)
    async with made.faults.memory(32 << 20), made.faults.cpu(0.2):
        async with made.faults.memory(16 << 20):
            assert await limits(made) == (16 << 20, 20_000)
        assert await limits(made) == (32 << 20, 20_000)
    assert await limits(made) == before


async def limits(container: Container) -> tuple[int | None, int]:
    """What the kernel has: bytes of memory, and microseconds of each tenth of a second."""
    pid = container.info().pid
    paths = dict(line.strip().split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    first = (
        Path("/sys/fs/cgroup/cpu" + paths["cpu"], "cpu.cfs_quota_us")
        if "cpu" in paths
        else Path("/sys/fs/cgroup" + paths[""], "cpu.max")
    )
    return (await container.stats()).memory.limit, int(first.read_text().split()[0])


async def test_cpu(container: Container, run: Run) -> None:
    async def counted() -> int:
        return int((await run(SPIN))[1])

    free = await counted()
    async with container.faults.cpu(0.05):
        slow = await counted()
    again = await counted()
    assert slow < free / 2
    assert slow < again / 2


async def test_slow_disk(container: Container, run: Run) -> None:
    async def seconds() -> float:
        code, text = await run(WRITE)
        assert code == 0, text
        found = re.search(r"copied, ([0-9.e-]+) s", text)
        assert found, text
        return float(found[1])

    await seconds()
    async with container.faults.slow_disk(write=512 << 10):
        assert await seconds() > 1
    assert await seconds() < 1
    code, text = await run("head -c 1M /srv/data/direct | wc -c")
    assert (code, text) == (0, "1048576\n")


async def test_disk_full(container: Container, run: Run) -> None:
    async with container.faults.disk_full("/srv/data"):
        for script in (
            "echo x > /srv/data/new",
            "echo x >> /srv/data/old",
            "mkdir /srv/data/directory",
            "rm /srv/data/old",
        ):
            code, text = await run(script)
            assert code != 0
            assert "No space left on device" in text, script
        assert await run("cat /srv/data/old; ls /srv/data") == (0, "kept\nold\n")
        assert await run("echo elsewhere > /srv/file; cat /srv/file") == (0, "elsewhere\n")
    assert await run("echo x >> /srv/data/old; mkdir /srv/data/directory; cat /srv/data/old") == (0, "kept\nx\n")


async def test_almost_full(container: Container, run: Run) -> None:
    async with container.faults.disk_full("/srv/data", leave=1 << 20):
        assert (await run("head -c 100k /dev/zero > /srv/data/small"))[0] == 0
        code, text = await run("head -c 2M /dev/zero > /srv/data/large")
        assert code != 0
        assert "No space left on device" in text
    assert await run("ls /srv/data") == (0, "old\n")


async def test_a_program_that_is_writing(supervisor: Supervisor) -> None:
    """It opens its files one after the other, and goes on when there is room."""
    loop = "mkdir /srv/log; i=0; while :; do i=$((i + 1)); (echo $i > /srv/log/$i) 2>&1 && echo fine || echo full; sleep 0.02; done"
    made = await start(supervisor, loop, image="host")
    await asyncio.sleep(0.5)
    async with made.faults.disk_full("/srv/log"):
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.5)
    told = [record.data.decode().strip() async for record in made.logs()]
    words = [word for word in told if word in {"fine", "full"}]
    assert [word for word, before in zip(words, [None, *words], strict=False) if word != before] == [
        "fine",
        "full",
        "fine",
    ]


async def test_it_ends_while_its_disk_is_full(container: Container) -> None:
    async with container.faults.disk_full("/srv/data"), container.faults.memory(64 << 20):
        await container.kill()
        await container.wait()
    with pytest.raises(NotRunning):
        await container.faults.disk_full("/srv/data").__aenter__()


@pytest.mark.parametrize("path", ["/", "/srv/..", "relative", "/srv/data/old", "/srv/nothing"])
async def test_directories_that_cannot_be_full(container: Container, run: Run, path: str) -> None:
    await run("true")
    with pytest.raises(InvalidConfig, match="path"):
        await container.faults.disk_full(path).__aenter__()
    assert await run("echo x > /srv/data/new") == (0, "")
