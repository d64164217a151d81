"""A disk that is full: a clear error, nothing half, and it works again when there is room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import StartFailed, StoreFailed
from pycontainerd.metadata.reserve import SIZE
from tests.supervisor.archives import COMPRESSIONS, layer, oci_layout
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import create, output, said
from tests.supervisor.stores import Stored


@pytest.fixture
def small_disk(tmp_short: Path) -> Iterator[Path]:
    """16 MB."""
    root = tmp_short / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=711", "tmpfs", str(root)], check=True)
    yield tmp_short
    subprocess.run(["umount", str(root)], check=True)


def fill(supervisor: Supervisor) -> Path:
    """Leave no room at all."""
    filler = supervisor.root / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with pytest.raises(OSError, match="No space left"):
                _write_on(file, size)
    return filler


def _write_on(file: RawIOBase, size: int) -> None:
    while True:
        file.write(b"\0" * size)


async def until_full(supervisor: Supervisor, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while os.statvfs(supervisor.root).f_bavail:
        assert time.monotonic() < deadline, "nobody fills it"
        await asyncio.sleep(0.01)


async def create_many(supervisor: Supervisor) -> None:
    for _ in range(100):
        await create(supervisor, "true", labels={"x": "y" * 10000})


@pytest.mark.parametrize("what", ["ingest", "unpack"])
async def test_during_an_import(small_disk: Path, what: str) -> None:
    big = layer(("big", os.urandom(20 << 20) if what == "ingest" else b"\0" * (20 << 20)))
    archive = oci_layout(small_disk / "layout", [layer(("small", b"")), big], compress=COMPRESSIONS["gzip"])
    async with supervisor_in(small_disk) as supervisor:
        with pytest.raises(OSError, match="No space left"):
            await supervisor.images.import_archive(archive)
        assert Stored.of(supervisor).empty
        await supervisor.images.import_archive(oci_layout(small_disk / "other", [layer(("small", b""))]))
        assert supervisor.images.get("made").size > 0


async def test_during_everything_else(small_disk: Path, busybox_tar: Path) -> None:
    async with supervisor_in(small_disk) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        ready = await create(supervisor, "echo said; exit 3")
        before = Stored.of(supervisor)
        filler = fill(supervisor)
        with pytest.raises((OSError, StoreFailed, StartFailed)):
            await create_many(supervisor)
        filler.unlink()
        for container in supervisor.containers.list():
            if container is not ready:
                await container.remove()
        assert Stored.of(supervisor) == before
        filler = fill(supervisor)
        try:
            await ready.start()
        except (OSError, StoreFailed, StartFailed):
            filler.unlink()
            await ready.start()
        else:
            filler.unlink()
        assert (await ready.wait()).code == 3
        assert await said(ready) in {b"said\n", b""}  # what there was no room for is lost, as with docker
        assert await output(supervisor, "echo again") == "again\n"
        await remove_all(supervisor)


@pytest.mark.parametrize("reserve", [True, False], ids=["with a reserve", "without"])
async def test_removing_an_image(small_disk: Path, busybox_tar: Path, reserve: bool) -> None:
    """A full disk is when one wants to remove something, so there is room for that; where somebody has taken even this, nothing is half."""
    async with supervisor_in(small_disk) as supervisor:
        for number in range(3):
            await supervisor.images.import_rootfs(busybox_tar, f"i{number}", message=str(number))
        await supervisor.leases.create("kept")
        if not reserve:
            (supervisor.root / "reserve").unlink()
        filler = fill(supervisor)
        if reserve:
            await supervisor.images.remove("i0")
            await supervisor.images.remove("i1")
            await supervisor.images.remove("i2")
            assert not Stored.of(supervisor).blobs
            assert (supervisor.root / "reserve").stat().st_size == SIZE  # for the next time
        else:
            with pytest.raises(StoreFailed, match="full; make room"):
                await fill_metadata(supervisor)
            left = await remove_all_images(supervisor)
            assert {image.id for image in supervisor.images.list()[1:]} == left
        filler.unlink()
        await remove_all_images(supervisor)
        for lease in await supervisor.leases.list():
            await supervisor.leases.delete(lease.id)
        assert Stored.of(supervisor).empty
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        assert await output(supervisor, "echo again") == "again\n"


async def fill_metadata(supervisor: Supervisor) -> None:
    """Until there is no page left that could be used again."""
    for number in range(2000):
        await supervisor.leases.create(labels={"x": f"{number}" * 1000})


async def remove_all_images(supervisor: Supervisor) -> set[str]:
    """The ids of those that could not be removed."""
    left = set[str]()
    for image in supervisor.images.list()[1:]:
        try:
            await supervisor.images.remove(image.id)
        except StoreFailed:
            left.add(image.id)
    return left


async def test_opening_and_removing(small_disk: Path, busybox_tar: Path) -> None:
    """Also opening has to be possible: a closed database has no log, and wants room for a new one."""
    async with supervisor_in(small_disk) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        await create(first, "true", name="old")
        filler = fill(first)
    assert filler.stat().st_size > 1 << 20
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        _write_on(file, 4096)  # what closing has made free
    async with supervisor_in(small_disk) as second:
        await second.containers.get("old").remove()
        await second.images.remove("busybox")
        assert Stored.of(second).empty
    filler.unlink()
    async with supervisor_in(small_disk) as third:
        await third.images.import_rootfs(busybox_tar, "busybox")
        assert await output(third, "echo again") == "again\n"


async def test_opening_when_nothing_at_all_is_left(small_disk: Path, busybox_tar: Path) -> None:
    async with supervisor_in(small_disk) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
    (first.root / "reserve").unlink()
    filler = fill(first)
    with pytest.raises((OSError, StoreFailed), match=r"No space left|full|disk I/O error"):
        await supervisor_in(small_disk).__aenter__()
    filler.unlink()
    async with supervisor_in(small_disk) as second:
        assert await output(second, "echo again") == "again\n"


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
async def test_the_container_that_has_filled_the_disk_can_be_removed(
    small_disk: Path, busybox_tar: Path, ended: bool
) -> None:
    """Its removal is written down only once it has made room."""
    script = "dd if=/dev/zero of=/file bs=4096 2>/dev/null; " + ("true" if ended else "sleep 1000")
    async with supervisor_in(small_disk) as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        before = Stored.of(supervisor)
        container = await create(supervisor, script)
        await container.start()
        if ended:
            await container.wait()  # which is written down with the help of the reserve
        else:
            await until_full(supervisor)
        with pytest.raises((OSError, StoreFailed)):
            await create_many(supervisor)
        await container.remove(force=True)
        await remove_all(supervisor)
        assert Stored.of(supervisor) == before
        assert await output(supervisor, "echo again") == "again\n"
