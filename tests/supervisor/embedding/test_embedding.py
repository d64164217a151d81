"""A supervisor inside somebody's program: no global state, no signal handlers, any thread, several at once, and away with all at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from pycontainerd import ContainerConfig, Supervisor, blocking
from pycontainerd.errors import ContainerNotFound, InvalidConfig, StoreInUse
from tests.supervisor.embedding.program import fill, parent
from tests.supervisor.embedding.traces import traces
from tests.supervisor.running import output


def ephemeral(directory: Path) -> Supervisor:
    return Supervisor(directory / "root", directory / "state", cgroup_parent=parent(directory), ephemeral=True)


async def test_closing_removes_everything(tmp_short: Path, busybox_tar: Path) -> None:
    async with ephemeral(tmp_short) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        pids = await fill(supervisor)
        assert await output(supervisor, "echo works") == "works\n"
        assert traces(tmp_short, parent(tmp_short), pids) != []
    assert traces(tmp_short, parent(tmp_short), pids) == []


async def test_closing_removes_everything_after_a_failure(tmp_short: Path) -> None:
    pids: list[int] = []

    async def program() -> None:
        async with ephemeral(tmp_short) as supervisor:
            pids.extend(await fill(supervisor))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await program()
    assert len(pids) >= 5
    assert traces(tmp_short, parent(tmp_short), pids) == []


def test_blocking(tmp_short: Path) -> None:
    with blocking.Supervisor(
        tmp_short / "root", tmp_short / "state", cgroup_parent=parent(tmp_short), ephemeral=True
    ) as supervisor:
        assert supervisor.ephemeral
        container = supervisor.containers.create(ContainerConfig(image="host", args=("sleep", "1000")))
        container.start()
        pid = container.info().pid
    assert traces(tmp_short, parent(tmp_short), [pid]) == []


async def test_a_directory_of_its_own(tmp_short: Path) -> None:
    async with Supervisor(ephemeral=True) as one, Supervisor(ephemeral=True) as other:
        assert one.root != other.root
        assert await output(one, "echo one", image="host") == "one\n"
        cgroups = [made.cgroup_parent for made in (one, other)]
        assert one.root.is_dir()
        assert one.root.parent == Path(os.environ["TMPDIR"])
        directories = [one.root, one.state, other.root, other.state]
    assert [path for path in directories if path.exists()] == []
    assert [line for cgroup in cgroups for line in traces(one.root, cgroup)] == []


async def test_what_was_there_before_is_refused_and_stays(tmp_short: Path) -> None:
    (tmp_short / "root").mkdir()
    (tmp_short / "root/diary").write_text("dear diary")
    with pytest.raises(InvalidConfig, match=r"root: .* is not empty"):
        await ephemeral(tmp_short).__aenter__()
    assert [path.name for path in tmp_short.rglob("*")] == ["root", "diary"]


async def test_an_empty_directory_stays_empty(tmp_short: Path) -> None:
    (tmp_short / "root").mkdir()
    async with ephemeral(tmp_short) as supervisor:
        await fill(supervisor)
    assert list(tmp_short.rglob("*")) == [tmp_short / "root"]


async def test_one_at_a_time_for_each_directory(tmp_short: Path) -> None:
    async with ephemeral(tmp_short) as first:
        with pytest.raises(StoreInUse):
            await ephemeral(tmp_short).__aenter__()
        assert await output(first, "echo still here", image="host") == "still here\n"


async def test_a_watcher_that_was_killed_does_not_keep_it_from_closing(tmp_short: Path) -> None:
    async with ephemeral(tmp_short) as supervisor:
        pids = await fill(supervisor)
        said = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "watcher.py"], capture_output=True, check=True)
        for pid in said.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
    assert traces(tmp_short, parent(tmp_short), pids) == []


async def test_two_in_one_process(tmp_short: Path) -> None:
    """They share nothing: names, images, containers."""
    places = [tmp_short / "one", tmp_short / "other"]
    for place in places:
        place.mkdir()
    async with ephemeral(places[0]) as one, ephemeral(places[1]) as other:
        config = ContainerConfig(image="host", args=("sleep", "1000"))
        first = await one.containers.create(config, name="same")
        second = await other.containers.create(config, name="same")
        await asyncio.gather(first.start(), second.start())
        with pytest.raises(ContainerNotFound):
            one.containers.get(second.id)
        await one.__aexit__(None, None, None)
        assert second.info().running
        assert Path(f"/proc/{second.info().pid}").exists()


def test_threads_with_loops_of_their_own(tmp_short: Path) -> None:
    said: dict[int, str] = {}

    def work(number: int) -> None:
        async def run() -> None:
            place = tmp_short / str(number)
            place.mkdir()
            async with ephemeral(place) as supervisor:
                said[number] = await output(supervisor, f"echo {number}", image="host")

        asyncio.run(run())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: f"{number}\n" for number in range(3)}


def test_the_host_programs_signals_and_children_are_its_own(tmp_short: Path) -> None:
    numbers = [number for number in signal.valid_signals() if number not in {signal.SIGKILL, signal.SIGSTOP}]
    before = {number: signal.getsignal(number) for number in numbers}
    mask, wakeup = signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.set_wakeup_fd(-1)
    cwd, umask = os.getcwd(), os.umask(0o027)
    environment = dict(os.environ)
    child = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 7"], os.environ)
    with blocking.Supervisor(
        tmp_short / "root", tmp_short / "state", cgroup_parent=parent(tmp_short), ephemeral=True
    ) as supervisor:
        container = supervisor.containers.create(ContainerConfig(image="host", args=("true",)))
        container.start()
        container.wait()
        assert {number: signal.getsignal(number) for number in numbers} == before
    assert {number: signal.getsignal(number) for number in numbers} == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert signal.set_wakeup_fd(-1) == wakeup
    assert (os.getcwd(), os.umask(umask)) == (cwd, 0o027)
    assert dict(os.environ) == environment
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
