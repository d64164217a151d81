"""A program that embeds a supervisor is killed with SIGKILL while containers run: the next one loses nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

import pyrunc
from pycontainerd import ContainerConfig, EventFilter, ExecConfig, Status, Supervisor
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import said
from tests.supervisor.stores import Stored

PROGRAM = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pycontainerd import ExecConfig
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import create, start

async def main():
    async with supervisor_in(Path(sys.argv[2])) as supervisor:
        if not [image for image in supervisor.images.list() if "busybox:latest" in image.references]:
            await supervisor.images.import_rootfs(Path(sys.argv[3]), "busybox")
{body}
        print("ready", flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""


SLEEPING = ContainerConfig(image="busybox", args=("sleep", "1000"))


def run_and_kill(directory: Path, busybox_tar: Path, body: str, delay: float) -> None:
    """Run ``body`` in a program, and kill it ``delay`` seconds after it is ready."""
    indented = "\n".join(f"        {line}" for line in body.strip().splitlines())
    paths = [str(Path.cwd()), str(directory), str(busybox_tar)]
    command = [sys.executable, "-c", PROGRAM.replace("{body}", indented), *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        time.sleep(delay)
        program.kill()


@asynccontextmanager
async def after_sigkill(
    directory: Path, busybox_tar: Path, body: str, *, delay: float = 0.1, between: float = 0
) -> AsyncIterator[Supervisor]:
    """The same, then wait, and open a supervisor of our own."""
    await asyncio.to_thread(run_and_kill, directory, busybox_tar, body, delay)
    await asyncio.sleep(between)
    async with supervisor_in(directory) as supervisor:
        yield supervisor
        await remove_all(supervisor)


async def test_they_are_listed_and_can_be_worked_with(tmp_short: Path, busybox_tar: Path) -> None:
    body = """
script = "trap 'exit 3' TERM; while :; do sleep 0.05; done"
one = await start(supervisor, script, name="one")
made = await create(supervisor, "echo later", name="made")
paused = await start(supervisor, script, name="paused")
await paused.pause()
"""
    async with after_sigkill(tmp_short, busybox_tar, body) as supervisor:
        status = {container.name: container.info().status for container in supervisor.containers.list()}
        assert status == {"one": Status.RUNNING, "made": Status.CREATED, "paused": Status.PAUSED}
        one = supervisor.containers.get("one")
        inside = await one.exec(ExecConfig(args=("sh", "-c", "echo inside; exit 5")))
        attachment = await inside.attach()
        await inside.start()
        assert [chunk.data async for chunk in attachment] == [b"inside\n"]
        assert await inside.wait() == 5
        await one.stop()
        assert one.info().exit_code == 3
        await supervisor.containers.get("paused").stop()
        made = supervisor.containers.get("made")
        await made.start()
        assert (await made.wait()).code == 0
        assert await said(made) == b"later\n"


async def test_no_line_of_a_log_is_lost_or_doubled(tmp_short: Path, busybox_tar: Path) -> None:
    body = """
await start(supervisor, "seq 1 100000; echo end", name="counts")
"""
    async with after_sigkill(tmp_short, busybox_tar, body, delay=0.02) as supervisor:
        counts = supervisor.containers.get("counts")
        followed = b"".join([record.data async for record in counts.logs(follow=True)]).split()
        assert (await counts.wait()).code == 0
        assert followed == [*(b"%d" % number for number in range(1, 100001)), b"end"]
        assert (await said(counts)).split() == followed


async def test_a_log_over_several_kills(tmp_short: Path, busybox_tar: Path) -> None:
    begin = """
await start(supervisor, "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; usleep 500; done", name="counts")
"""
    for number in range(4):
        await asyncio.to_thread(run_and_kill, tmp_short, busybox_tar, begin if number == 0 else "pass", 0.2)
    async with supervisor_in(tmp_short) as supervisor:
        counts = supervisor.containers.get("counts")
        followed = [int(record.data) async for record in counts.logs(follow=True)]
        assert followed == list(range(1, 3001))
        await remove_all(supervisor)


@pytest.mark.parametrize("remove", [False, True])
async def test_an_end_in_between_is_reported_with_its_code(tmp_short: Path, busybox_tar: Path, remove: bool) -> None:
    body = f"""
container = await start(supervisor, "sleep 0.4; echo last words; exit 33", name="ends", remove_on_exit={remove})
"""
    async with after_sigkill(tmp_short, busybox_tar, body, delay=0, between=1) as supervisor:
        if remove:
            for container in supervisor.containers.list():
                await asyncio.wait_for(container.wait("removed"), 10)
        else:
            ends = supervisor.containers.get("ends")
            status = await asyncio.wait_for(ends.wait(), 10)
            assert (status.code, status.error) == (33, "")
            assert await said(ends) == b"last words\n"
            await ends.remove()
        await supervisor.images.remove("busybox")
        assert Stored.of(supervisor).empty


async def test_execs_are_found_again(tmp_short: Path, busybox_tar: Path) -> None:
    body = """
one = await start(supervisor, "sleep 1000", name="one")
runs = await one.exec(ExecConfig(args=("sh", "-c", "while [ ! -e /go ]; do sleep 0.02; done; exit 8")))
await runs.start()
ends = await one.exec(ExecConfig(args=("sh", "-c", "sleep 0.2; exit 9")))
await ends.start()
ready = await one.exec(ExecConfig(args=("touch", "/go")))
"""
    async with after_sigkill(tmp_short, busybox_tar, body, delay=0, between=0.5) as supervisor:
        runs, ends, ready = supervisor.containers.get("one").execs()
        assert runs.info().running
        assert await asyncio.wait_for(ends.wait(), 5) == 9
        await ready.start()
        assert await ready.wait() == 0
        assert await asyncio.wait_for(runs.wait(), 5) == 8


async def test_the_machine_was_restarted(tmp_short: Path, busybox_tar: Path) -> None:
    """What is in the state directory is gone, and so are the processes: as after a reboot."""
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await first.containers.create(SLEEPING, name="was")
        await container.start()
        runtime = first.runtime_root
    pyrunc.Runtime(runtime).delete(container.id, force=True)
    shutil.rmtree(tmp_short / "state")
    async with supervisor_in(tmp_short) as second:
        was = second.containers.get("was")
        info = was.info()
        assert (info.status, info.exit_code) == (Status.EXITED, 255)
        assert "no supervisor" in info.error
        await was.start()
        await was.kill()
        assert (await was.wait()).code == 137
        await remove_all(second)


async def test_a_monitor_that_was_killed(tmp_short: Path, busybox_tar: Path) -> None:
    """Nobody can take the container's output or learn how it ends any more: it is ended, and said so."""
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await first.containers.create(SLEEPING, name="was")
        await container.start()
        pid = container.info().pid
    monitor = int(stat_of(pid)[1])
    assert monitor > 1
    os.kill(monitor, signal.SIGKILL)
    async with supervisor_in(tmp_short) as second:
        was = second.containers.get("was")
        status = await asyncio.wait_for(was.wait(), 15)
        assert (was.info().status, status.code != 0) == (Status.EXITED, True)
        assert ended(pid)
        await was.start()
        await remove_all(second)


async def test_a_removal_that_was_interrupted_before_the_container_had_died(tmp_short: Path, busybox_tar: Path) -> None:
    """Who counts starts and ends is told of both."""
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await first.containers.create(SLEEPING, name="was")
        await container.start()
        pid = container.info().pid
    with closing(sqlite3.connect(tmp_short / "root/metadata.db")) as connection, connection:
        connection.execute("UPDATE containers SET status = 'removing'")
    async with supervisor_in(tmp_short) as second:
        assert second.containers.list() == []
        assert ended(pid)
        events = second.events.subscription(since=0, wanted=EventFilter(types=frozenset({"container"})))
        seen = [await asyncio.wait_for(anext(events), 5) for _ in range(4)]
        await events.aclose()
        assert [event.action for event in seen] == ["create", "start", "die", "destroy"]
        assert seen[2].attributes["exitCode"] == "137"


def stat_of(pid: int) -> list[str]:
    """proc_pid_stat(5) from the third field, the state, on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def ended(pid: int) -> bool:
    """Gone, or waiting for whoever has inherited it to take notice."""
    try:
        return stat_of(pid)[0] == "Z"
    except FileNotFoundError:
        return True
