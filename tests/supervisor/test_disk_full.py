"""A disk that is full: a clear error, nothing half, and it works again when there is room."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import StartFailed, StoreFailed
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
            await container.wait()
        await until_full(supervisor)
        with pytest.raises((OSError, StoreFailed)):
            await create_many(supervisor)
        await container.remove(force=True)
        await remove_all(supervisor)
        assert Stored.of(supervisor) == before
        assert await output(supervisor, "echo again") == "again\n"
