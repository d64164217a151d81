"""Many at once on the same layers: nothing that somebody needs is collected, and in the end all of it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.errors import ImageInUse, ImageNotFound, SupervisorError
from tests.supervisor.archives import layer, oci_layout
from tests.supervisor.running import create, output
from tests.supervisor.stores import Stored


async def test_imports_uses_and_removals_of_one_layer(supervisor: Supervisor, busybox_tar: Path) -> None:
    async def live(number: int) -> None:
        for turn in range(3):
            name = f"n{number}:{turn}"
            await supervisor.images.import_rootfs(busybox_tar, name, message=name)
            assert await output(supervisor, "echo fine", image=name) == "fine\n"
            await supervisor.images.remove(name)

    await asyncio.gather(*map(live, range(5)))
    assert Stored.of(supervisor).empty


async def test_a_failing_import_takes_nothing_from_one_that_goes_on(supervisor: Supervisor, tmp_path: Path) -> None:
    shared, bad = layer(("shared", b"x" * 100_000)), layer(("../out", b""))
    good, broken = oci_layout(tmp_path / "good", [shared]), oci_layout(tmp_path / "broken", [shared, bad])
    for _ in range(5):
        done = await asyncio.gather(
            *(supervisor.images.import_archive(each) for each in (broken, good, broken, good)), return_exceptions=True
        )
        assert [isinstance(each, SupervisorError) for each in done] == [True, False, True, False]
        with_image = Stored.of(supervisor)
        assert len(with_image.blobs) == len(with_image.snapshots) == 1
        await supervisor.images.remove("made")
        assert Stored.of(supervisor).empty


async def test_a_create_against_a_removal(supervisor: Supervisor, busybox_tar: Path) -> None:
    """One of the two is told no; a container that was made has its file system."""
    for number in range(10):
        await supervisor.images.import_rootfs(busybox_tar, "one")
        made, removed = await asyncio.gather(
            create(supervisor, "true", image="one", name=f"c{number}"),
            supervisor.images.remove("one"),
            return_exceptions=True,
        )
        if isinstance(made, BaseException):
            assert isinstance(made, ImageNotFound)
        else:
            await made.start()
            assert (await made.wait()).code == 0
            await made.remove()
        if isinstance(removed, BaseException):
            assert isinstance(removed, ImageInUse)
            await supervisor.images.remove("one")
        assert Stored.of(supervisor).empty


async def test_an_export_while_its_image_is_removed(supervisor: Supervisor, busybox_tar: Path) -> None:
    await supervisor.images.import_rootfs(busybox_tar, "one")
    pieces = supervisor.images.export(["one"])
    size = len(await anext(pieces))
    await supervisor.images.remove("one")
    size += sum([len(piece) async for piece in pieces])
    assert size > busybox_tar.stat().st_size
    with pytest.raises(ImageNotFound):
        await anext(supervisor.images.export(["one"]))
    assert Stored.of(supervisor).empty
