"""Container.fork, as the containers see it: of a stopped, a running and a paused one, in the pool and out of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve

from pycontainerd import Container, ExecConfig, Image, Status, Supervisor
from pycontainerd.errors import ContainerNotFound, InvalidConfig, NameInUse, RemovalInProgress, Unsupported
from pycontainerd.snapshots import copying
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import create, output, said, start
from tests.supervisor.stores import Stored

SHOW = "cat /data/* 2>/dev/null; sleep 100"


async def show(container: Container, script: str = "cat /data/*") -> str:
    """What a new process in it sees: of a container that ended, in a fork."""
    copy = await container.fork(config=evolve(container.config, args=("sh", "-c", script)))
    await copy.wait()
    text = (await said(copy)).decode()
    await copy.remove()
    return text


async def write(supervisor: Supervisor, forkable: bool, **config: object) -> Container:
    """A container that has written something and ended."""
    made = await start(supervisor, "mkdir -p /data; echo one > /data/1; rm /etc/group", forkable=forkable, **config)
    assert (await made.wait()).code == 0
    return made


@pytest.fixture(params=[False, True], ids=["plain", "forkable"])
def forkable(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_of_a_stopped_one(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    template = await write(supervisor, forkable)
    copies = [
        await template.fork(
            name=f"copy{n}",
            config=evolve(
                template.config,
                args=("sh", "-c", f"cat /data/1; echo {n} > /data/{n + 2}; ls /data; ls /etc/group; sleep 100"),
            ),
        )
        for n in range(3)
    ]
    await asyncio.sleep(0.3)
    for number, copy in enumerate(copies):
        assert copy.info().running
        assert copy.name == f"copy{number}"
        text = (await said(copy)).decode()
        assert text.startswith(f"one\n1\n{number + 2}\nls: /etc/group: No such file or directory\n")
    assert await show(template) == "one\n"


async def test_its_own_command_again(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    first = await start(supervisor, "echo run >> /runs; cat /runs", forkable=forkable)
    await first.wait()
    second = await first.fork()
    await second.wait()
    assert await said(second) == b"run\nrun\n"
    third = await second.fork(start=False)
    assert third.info().status is Status.CREATED
    await third.start()
    await third.wait()
    assert await said(third) == b"run\nrun\nrun\n"
    await first.start()
    await first.wait()
    assert await said(first) == b"run\nrun\nrun\n"


async def test_of_a_running_one(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    """It writes all the time: what the fork has is a beginning of what it has, and it goes on without knowing."""
    writer = "mkdir /data; i=0; while :; do i=$((i+1)); echo $i >> /data/log; echo $i > /data/last; done"
    busy = await start(supervisor, writer, forkable=forkable)
    await asyncio.sleep(0.3)
    copies = [await busy.fork(config=evolve(busy.config, args=("sleep", "100"))) for _ in range(2)]
    assert busy.info().status is Status.RUNNING
    seen = []
    for copy in copies:
        lines = (await show(copy, "cat /data/log")).split()
        assert lines == [str(number) for number in range(1, len(lines) + 1)]
        assert int((await show(copy, "cat /data/last")).strip() or len(lines)) in {len(lines) - 1, len(lines)}
        assert await show(copy, "cat /data/log") == "".join(f"{line}\n" for line in lines)  # and it stays so
        seen.append(len(lines))
    assert 0 < seen[0] < seen[1]
    await asyncio.sleep(0.1)
    assert len((await show(busy, "cat /data/log")).split()) > seen[1]


async def test_what_is_executed_meanwhile_waits(
    supervisor: Supervisor, busybox: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container stands still as long as the copy takes: nobody is told that it is paused."""
    busy = await start(supervisor, "sleep 1000")
    copied = asyncio.Event()
    loop, copy = asyncio.get_running_loop(), copying.copy

    def slowly(source: str, target: str) -> None:
        time.sleep(0.5)
        copy(source, target)
        loop.call_soon_threadsafe(copied.set)

    monkeypatch.setattr(copying, "copy", slowly)
    forking = asyncio.create_task(busy.fork(start=False))
    await asyncio.sleep(0.2)
    assert not copied.is_set()
    lookup = await busy.exec(ExecConfig(args=("true",)))
    await lookup.start()
    assert copied.is_set()
    assert await lookup.wait() == 0
    assert busy.info().status is Status.RUNNING
    await forking


async def test_of_a_paused_one(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    paused = await start(supervisor, "mkdir /data; echo here > /data/1; sleep 100", forkable=forkable)
    await asyncio.sleep(0.2)
    await paused.pause()
    assert await show(paused) == "here\n"
    assert paused.info().status is Status.PAUSED


async def test_of_one_that_never_ran(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    new = await create(supervisor, "echo fresh; sleep 100", forkable=forkable)
    copy = await new.fork()
    await asyncio.sleep(0.2)
    assert await said(copy) == b"fresh\n"
    assert new.info().status is Status.CREATED


async def test_on_the_host_image(supervisor: Supervisor, forkable: bool, tmp_path: Path) -> None:
    template = await start(supervisor, "mkdir /data; echo one > /data/1", image="host", forkable=forkable)
    await template.wait()
    assert await show(template) == "one\n"
    assert await show(template, f"ls {supervisor.root} 2>&1") == await output(
        supervisor, f"ls {supervisor.root} 2>&1 || true", image="host"
    )
    assert not Path("/data").exists()


async def test_each_is_removed_alone(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    before = Stored.of(supervisor)
    template = await write(supervisor, forkable)
    child = await template.fork(start=False)
    grandchild = await child.fork(start=False)
    await template.remove()
    assert await show(grandchild) == "one\n"
    await child.remove()
    assert await show(grandchild) == "one\n"
    await grandchild.remove()
    assert Stored.of(supervisor) == before


async def test_a_template_does_not_grow(supervisor: Supervisor, busybox: Image) -> None:
    template = await write(supervisor, False)
    await (await template.fork(start=False)).remove()
    layers = len(supervisor.snapshots.below(template.id))
    for _ in range(5):
        await (await template.fork(start=False)).remove()
    assert len(supervisor.snapshots.below(template.id)) == layers


async def test_the_root_directory_itself(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    template = await start(supervisor, "chmod 1701 /; chown 3:4 /", forkable=forkable)
    await template.wait()
    for _ in range(2):
        assert await show(template, "stat -c '%a %u %g' /") == "1701 3 4\n"


async def test_what_is_refused_leaves_nothing(supervisor: Supervisor, busybox: Image, forkable: bool) -> None:
    template = await write(supervisor, forkable)
    other = await create(supervisor, "true", name="taken")
    before = Stored.of(supervisor)
    with pytest.raises(NameInUse):
        await template.fork(name="taken")
    with pytest.raises(InvalidConfig, match="cwd"):
        await template.fork(config=evolve(template.config, cwd="relative"))
    assert Stored.of(supervisor) == before
    await other.remove()
    await template.remove()
    with pytest.raises((RemovalInProgress, ContainerNotFound)):
        await template.fork()


async def test_the_files_of_etc_are_its_own(supervisor: Supervisor, busybox: Image) -> None:
    template = await write(supervisor, False)
    copy = await template.fork(config=evolve(template.config, hostname="twin", args=("cat", "/etc/hostname")))
    await copy.wait()
    assert await said(copy) == b"twin\n"


async def test_over_a_restart(tmp_short: Path, busybox_tar: Path) -> None:
    """Forkable ones go on while no supervisor is there, and can be forked by the next one."""
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        running = await start(
            first,
            "mkdir /data; while :; do date +%s > /data/new; mv /data/new /data/now; sleep 0.01; done",
            forkable=True,
        )
        template = await write(first, True)
        plain = await write(first, False)
        await (await plain.fork(name="child")).wait()
    closed = int(time.time())
    await asyncio.sleep(1.5)
    assert not any(str(tmp_short) in line for line in Path("/proc/self/mountinfo").read_text().splitlines())
    async with supervisor_in(tmp_short) as second:
        went_on = int(await show(second.containers.get(running.id), "cat /data/now"))
        assert went_on >= closed
        assert await show(second.containers.get(template.id)) == "one\n"
        assert await show(second.containers.get("child")) == "one\n"
        for container in second.containers.list():
            await container.remove(force=True)
        assert os.listdir(second.root / "forks/fs") == []
        assert loops(tmp_short) == 1
    assert loops(tmp_short, 0) == 0


def loops(directory: Path, wanted: int = 1) -> int:
    """Loop devices whose file is in the directory; one that is not used any more goes a moment later."""
    deadline = time.monotonic() + 5
    while True:
        said = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
        found = sum(str(directory) in line for line in said.splitlines())
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


async def test_killed_while_others_stand_still(tmp_short: Path, busybox_tar: Path) -> None:
    """The next supervisor lets them go on."""
    program = f"""
import asyncio, os, signal
from pathlib import Path
from pycontainerd.snapshots import copying
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import start

async def main():
    async with supervisor_in(Path({str(tmp_short)!r})) as supervisor:
        await supervisor.images.import_rootfs(Path({str(busybox_tar)!r}), "busybox")
        container = await start(supervisor, "while :; do date +%s > /new; mv /new /now; sleep 0.01; done", name="clock")
        await asyncio.sleep(0.2)
        copying.copy = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        await container.fork()

asyncio.run(main())
"""
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program])
    assert done.returncode == -9
    async with supervisor_in(tmp_short) as supervisor:
        clock = supervisor.containers.get("clock")
        assert clock.info().status is Status.RUNNING
        opened = int(await show(clock, "cat /now"))
        async with asyncio.timeout(20):
            while int(await show(clock, "cat /now") or opened) == opened:
                pass
        assert len(supervisor.containers.list()) == 1
        assert len(supervisor.snapshots.walk()) == 2  # its own, and its image's
        await clock.remove(force=True)


async def test_where_there_is_no_btrfs(supervisor: Supervisor, busybox: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Stored.of(supervisor)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(Unsupported, match="install btrfs-progs"):
        await create(supervisor, "true", forkable=True)
    assert Stored.of(supervisor) == before


async def test_ephemeral(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short, ephemeral=True) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        busy = await start(supervisor, "sleep 100", forkable=True)
        await busy.fork()
        assert loops(tmp_short) == 1
    assert list(tmp_short.iterdir()) == []
    assert loops(tmp_short, 0) == 0


async def test_slow_disk_of_a_forkable_one(supervisor: Supervisor) -> None:
    """Its file system is in a file that is a block device: that is slowed down."""
    made = await start(supervisor, "mkdir -p /srv/data; sleep 1000", image="host", forkable=True)
    began = time.monotonic()
    async with made.faults.slow_disk(read=1 << 20, write=1 << 20):
        assert time.monotonic() - began < 10
    assert made.info().running
