"""A root file system is unpacked while it arrives: whatever becomes of it on the way, all of it is there in the end, or nothing."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import LayerError
from tests.supervisor.archives import layer, sha
from tests.supervisor.stores import Stored

TAR = layer(*((f"f{number}", os.urandom(50_000)) for number in range(60)))


async def slowly(data: bytes, size: int = 70_001) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[at : at + size]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_as_it_comes_or_from_a_file(supervisor: Supervisor, tmp_path: Path, packed: bool) -> None:
    data = gzip.compress(TAR, 1) if packed else TAR
    (tmp_path / "file").write_bytes(data)
    first = await supervisor.images.import_rootfs(slowly(data), "first")
    second = await supervisor.images.import_rootfs(tmp_path / "file", "second")
    assert first.layers == second.layers == (sha(TAR),)
    assert first.blobs[0].digest == sha(data)


async def test_a_source_that_fails(supervisor: Supervisor) -> None:
    async def failing() -> AsyncIterator[bytes]:
        async for piece in slowly(TAR[: len(TAR) // 2]):
            yield piece
        raise ConnectionResetError("the client has gone")

    with pytest.raises(ConnectionResetError):
        await supervisor.images.import_rootfs(failing(), "never")
    assert Stored.of(supervisor).empty


async def test_a_source_that_ends_too_early(supervisor: Supervisor) -> None:
    with pytest.raises(LayerError, match="truncated"):
        await supervisor.images.import_rootfs(slowly(TAR[:-70_000]), "never")
    assert Stored.of(supervisor).empty


async def test_a_fault_at_its_beginning_ends_it(supervisor: Supervisor) -> None:
    """What comes after it is not asked for for ever."""

    async def endless() -> AsyncIterator[bytes]:
        yield layer(("../out", b"x"))
        while True:
            await asyncio.sleep(0.001)
            yield bytes(1000)

    with pytest.raises(LayerError, match="leaves"):
        await supervisor.images.import_rootfs(endless(), "never")
    assert Stored.of(supervisor).empty


async def test_a_caller_that_is_cancelled(supervisor: Supervisor) -> None:
    reached = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield TAR[:1_000_000]
        reached.set()
        await asyncio.sleep(100)
        yield b""

    importing = asyncio.create_task(supervisor.images.import_rootfs(hanging(), "never"))
    await reached.wait()
    importing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await importing
    assert Stored.of(supervisor).empty


async def test_more_at_once_than_there_are_threads(supervisor: Supervisor) -> None:
    tars = [layer((f"f{number}", os.urandom(200_000))) for number in range(40)]
    images = await asyncio.gather(*(supervisor.images.import_rootfs(slowly(tar), None) for tar in tars))
    assert [image.layers for image in images] == [(sha(tar),) for tar in tars]
