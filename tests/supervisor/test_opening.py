"""Opening and closing: one supervisor a directory, several in a process, and stores that cannot be opened."""

from __future__ import annotations

import asyncio
import io
import os
import sqlite3
import stat
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pycontainerd import Image, Supervisor
from pycontainerd.errors import StoreDamaged, StoreInUse, StoreNotOurs, StoreReadOnly, StoreTooNew
from tests.supervisor.archives import layer
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import output, start
from tests.supervisor.stores import Stored


async def test_a_directory_has_one_supervisor(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(StoreInUse, match=f"{supervisor.root}: another supervisor has it open"):
        await Supervisor(supervisor.root, tmp_path / "state").__aenter__()
    with pytest.raises(StoreInUse, match=f"{supervisor.state}: another supervisor has it open"):
        await Supervisor(tmp_path / "root", supervisor.state).__aenter__()


def test_each_root_has_its_own_state_by_default() -> None:
    one, other = Supervisor("/srv/one"), Supervisor("/srv/other")
    assert one.state != other.state
    assert one.state == Supervisor("/srv/./one").state
    assert Supervisor().state == Path("/run/pycontainerd")


async def test_two_in_one_process(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short / "a") as one, supervisor_in(tmp_short / "b") as other:
        for each in (one, other):
            await each.images.import_rootfs(busybox_tar, "busybox")
        said = await asyncio.gather(*(output(each, "echo hi", name="same") for each in (one, other)))
        assert said == ["hi\n", "hi\n"]


def test_in_a_thread_with_a_loop_of_its_own(tmp_short: Path) -> None:
    """No signal handler, no child watcher, nothing that only the main thread may do."""
    failures: list[BaseException] = []

    async def run() -> None:
        async with supervisor_in(tmp_short) as supervisor:
            assert await output(supervisor, "echo hi", image="host") == "hi\n"

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failures.append(error)

    running = threading.Thread(target=thread)
    running.start()
    running.join(60)
    assert failures == []


async def test_containers_go_on_when_it_closes_and_are_taken_over(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await start(first, "trap 'exit 6' TERM; while :; do sleep 0.05; done", name="on")
        pid = container.info().pid
    assert Path(f"/proc/{pid}").exists()
    async with supervisor_in(tmp_short) as second:
        again = second.containers.get("on")
        assert again.info().pid == pid
        await again.stop()
        assert again.info().exit_code == 6
        await remove_all(second)


async def test_a_store_of_a_later_version(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with closing(sqlite3.connect(root / "metadata.db")) as connection:
        connection.execute("PRAGMA user_version = 1000")
    with pytest.raises(StoreTooNew, match="version 1000"):
        await supervisor_in(tmp_path).__aenter__()


async def test_a_damaged_store(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "metadata.db").write_bytes(os.urandom(20000))
    with pytest.raises(StoreDamaged, match=r"metadata\.db"):
        await supervisor_in(tmp_path).__aenter__()


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
async def test_a_read_only_root(tmp_path: Path, used: bool) -> None:
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root), "-o", "mode=711"], check=True)
    try:
        if used:
            async with supervisor_in(tmp_path):
                pass
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        with pytest.raises(
            StoreReadOnly, match=f"{root}: cannot be written to: Read-only file system; mount it writable"
        ):
            await supervisor_in(tmp_path).__aenter__()
        subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
        async with supervisor_in(tmp_path) as supervisor:
            assert Stored.of(supervisor).empty
    finally:
        subprocess.run(["umount", str(root)], check=True)


@pytest.mark.parametrize("name", ["root", "state", "root/metadata.db"])
async def test_what_belongs_to_somebody_else(tmp_path: Path, name: str) -> None:
    async with supervisor_in(tmp_path):
        pass
    path = tmp_path / name
    os.chown(path, 12345, 12345)
    before = sorted(os.listdir(tmp_path / "root"))
    with pytest.raises(StoreNotOurs, match=f"{path}: belongs to user 12345.*; choose another directory.*chown"):
        await supervisor_in(tmp_path).__aenter__()
    assert sorted(os.listdir(tmp_path / "root")) == before
    os.chown(path, 0, 0)
    async with supervisor_in(tmp_path) as supervisor:
        assert Stored.of(supervisor).empty


async def test_a_directory_that_everybody_may_write_to(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir(mode=0o700)
    (tmp_path / "root").chmod(0o1777)
    with pytest.raises(StoreNotOurs, match=r"everybody may write to it; choose another directory.*chmod o-w"):
        await supervisor_in(tmp_path).__aenter__()
    assert list((tmp_path / "root").iterdir()) == []


async def test_others_cannot_read_it(supervisor: Supervisor, busybox: Image) -> None:
    container = await start(supervisor, "true", env=("SECRET=x",))
    await container.wait()
    for name in ("metadata.db", "metadata.db-wal", "content/blobs/sha256", "snapshots", f"containers/{container.id}"):
        assert stat.S_IMODE((supervisor.root / name).stat().st_mode) & 0o007 == 0, name


async def test_what_nothing_refers_to_is_collected_at_opening(tmp_short: Path, busybox_tar: Path) -> None:
    """As a crash leaves it between one step and the next: blobs, layers, working directories, containers without a record."""
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        before = Stored.of(first)
        with first.leases.lease() as lease:
            first.content.ingest(io.BytesIO(b"half an import"), lease)
            first.content.ingest(io.BytesIO(layer()), lease)
        first.snapshots.prepare("unpack-1", None)
        first.snapshots.commit("sha256:" + "1" * 64, "unpack-1")
        first.snapshots.prepare("unpack-2", "sha256:" + "1" * 64)
        first.snapshots.prepare("2" * 64, "sha256:" + "1" * 64)
        first.snapshots.prepare("somebody else's", None)
        (first.root / "containers" / ("2" * 64)).mkdir(parents=True)
        (first.state / "containers" / ("3" * 64) / "rootfs").mkdir(parents=True)
    async with supervisor_in(tmp_short) as second:
        assert second.snapshots.exists("somebody else's")
        second.snapshots.remove("somebody else's")
        assert Stored.of(second) == before
        assert await output(second, "echo fine") == "fine\n"
