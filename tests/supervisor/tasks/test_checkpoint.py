"""Checkpoints: a container goes on where it was, with its files, its log and its supervisor. By criu, where it knows the kernel (the virtual machines)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pycontainerd import CheckpointOptions, Container, ExecConfig, IdMapping, Image, Status, Supervisor
from pycontainerd.errors import AlreadyRunning, NotRunning, StartFailed, Unsupported
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import said, start
from tests.support.criu import needs_criu

COUNT = "i=0; while :; do i=$((i+1)); echo $i >/new; mv /new /count; echo said $i; sleep 0.1; done"


async def counted(container: Container, above: int) -> int:
    """The number that it has said last, once it is above."""
    async for record in container.logs(follow=True):
        for line in record.data.splitlines():
            if (number := int(line.split()[1])) > above:
                return number
    raise AssertionError(f"it does not count beyond {above}")


@needs_criu
async def test_it_goes_on_where_it_was(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    container = await start(supervisor, COUNT)
    await counted(container, 2)
    ended = container.waiter("next-exit")
    await container.checkpoint(tmp_path / "images")
    assert (await ended).code == 137
    before = int((await said(container)).split()[-1])
    await container.restore(tmp_path / "images")
    assert container.info().status is Status.RUNNING
    assert before < await counted(container, before + 3) < before + 60
    numbers = [int(line.split()[1]) for line in (await said(container)).splitlines()]
    assert numbers == list(range(1, len(numbers) + 1)), (
        "no line of its log is lost or doubled, nor the count begun again"
    )
    process = await container.exec(ExecConfig(args=("sh", "-c", "test -s /count && test $(cat /proc/1/comm) = sh")))
    await process.start()
    assert await process.wait() == 0
    with pytest.raises(AlreadyRunning):
        await container.restore(tmp_path / "images")
    await container.stop(timeout=0)
    assert container.info().exit_code == 137
    await container.remove()


@needs_criu
async def test_another_supervisor_takes_it_over(tmp_short: Path, busybox_tar: Path, tmp_path: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await start(first, COUNT)
        await counted(container, 2)
        await container.checkpoint(tmp_path / "images", leave_running=True)
        assert container.info().status is Status.RUNNING
        await container.stop(timeout=0)
        await container.restore(tmp_path / "images")
        await counted(container, 5)
        kept = container.id
    async with supervisor_in(tmp_short) as second:
        found = second.containers.get(kept)
        assert found.info().status is Status.RUNNING
        await counted(found, int((await said(found)).split()[-1]) + 2)
        await found.kill("TERM")
        await found.kill("KILL")
        assert (await found.wait()).code in {137, 143}
        await found.remove()


@needs_criu
async def test_what_criu_refuses(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    container = await start(supervisor, COUNT)
    await counted(container, 2)
    await container.checkpoint(tmp_path / "images", options=CheckpointOptions(file_locks=True))
    await container.wait()
    for image in (tmp_path / "images").glob("pstree*.img"):
        image.write_bytes(b"no image")
    with pytest.raises(StartFailed, match="criu restore failed"):
        await container.restore(tmp_path / "images", options=CheckpointOptions(file_locks=True))
    assert container.info().status is Status.EXITED
    await container.start()
    await counted(container, 2)
    await container.remove(force=True)


async def test_images_that_are_none(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    container = await start(supervisor, "sleep 300")
    await container.stop(timeout=0)
    with pytest.raises(StartFailed, match="these are not the images of a checkpoint"):
        await container.restore(tmp_path)
    assert container.info().status is Status.EXITED
    with pytest.raises(NotRunning):
        await container.checkpoint(tmp_path / "images")
    await container.remove()


async def test_what_could_not_be_restored_is_not_saved(supervisor: Supervisor, busybox: Image, tmp_path: Path) -> None:
    maps = (IdMapping(container_id=0, host_id=200_000, size=65536),)
    mapped = await start(supervisor, "sleep 300", userns="private", uid_mappings=maps, gid_mappings=maps)
    with pytest.raises(Unsupported, match="user namespace"):
        await mapped.checkpoint(tmp_path / "images")
    terminal = await start(supervisor, "sleep 300", terminal=True)
    with pytest.raises(Unsupported, match="terminal"):
        await terminal.checkpoint(tmp_path / "images")
    assert not (tmp_path / "images").exists()
    await asyncio.gather(mapped.remove(force=True), terminal.remove(force=True))
