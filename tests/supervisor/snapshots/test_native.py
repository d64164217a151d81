"""Snapshots as copies, and a supervisor that works with them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from pycontainerd.diff.apply import apply
from pycontainerd.errors import InvalidConfig, Unsupported
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.native import NativeSnapshotter
from pycontainerd.testing.snapshotter_conformance import SnapshotterConformance
from tests.supervisor.archives import directory, entry, layer, oci_layout
from tests.supervisor.conftest import remove_all
from tests.supervisor.running import create, output, said
from tests.support.extents import extents
from tests.support.filesystems import file_system
from tests.support.run import RUN


class TestNative(SnapshotterConformance):
    """The life that all have in common."""

    @pytest.fixture
    def snapshotter(self, tmp_path: Path) -> Iterator[NativeSnapshotter]:
        database = Database(tmp_path / "metadata.db")
        yield NativeSnapshotter(tmp_path / "snapshots", database)
        database.close()


def test_whiteouts_remove_what_is_underneath_and_spare_what_is_new(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("gone", "dir/old", "opaque/old", "opaque/sub/old", "again/old"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("old")
    made = layer(
        entry(".wh.gone"),
        entry(".wh.dir"),
        ("opaque/new", b"new"),
        ("opaque/sub/new", b"new"),
        entry("opaque/.wh..wh..opq"),
        directory("again"),
        ("again/new", b"new"),
        entry(".wh.again"),
        entry(".wh.never-there"),
    )
    (tmp_path / "layer").write_bytes(made)
    with (tmp_path / "layer").open("rb") as file:
        apply(file, str(root), in_place=True)
    found = {os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names}
    assert found == {"opaque/new", "opaque/sub/new", "again/new"}


@pytest.fixture
async def native(tmp_short: Path) -> AsyncIterator[Supervisor]:
    cgroup = f"/pycontainerd-{RUN.name[:12]}-{tmp_short.name}"
    async with Supervisor(
        tmp_short / "root", tmp_short / "state", cgroup_parent=cgroup, snapshotter="native"
    ) as supervisor:
        yield supervisor
        await remove_all(supervisor)


async def test_containers_run_on_copies(native: Supervisor, busybox_tar: Path, tmp_path: Path) -> None:
    await native.images.import_rootfs(busybox_tar, "busybox", changes=["CMD sh"])
    container = await create(native, "echo mine > /file; rm /bin/ls; cat /file")
    await container.start()
    assert (await container.wait()).code == 0
    assert await said(container) == b"mine\n"
    assert "absent" in await output(native, "test -e /file || echo absent")
    layers = [layer(("a", b"1"), ("b", b"1")), layer(entry(".wh.a"), ("c", b"2"))]
    await native.images.import_archive(oci_layout(tmp_path / "layout", layers, "two:latest"))
    made = await create(native, "", image="two")
    async with made.rootfs() as root:
        assert sorted(os.listdir(root)) == ["b", "c"]
    with pytest.raises(Unsupported, match="would copy all"):
        await create(native, "", image="host")


async def test_a_store_keeps_its_snapshotter(native: Supervisor, busybox_tar: Path) -> None:
    await native.images.import_rootfs(busybox_tar, "busybox")
    root = native.root
    other = Supervisor(root.parent / "other", root.parent / "other-state")
    async with other:
        await other.images.import_rootfs(busybox_tar, "busybox")
    with pytest.raises(InvalidConfig, match="snapshotter"):
        async with Supervisor(root.parent / "other", root.parent / "other-state", snapshotter="native"):
            pass
    with pytest.raises(InvalidConfig, match="snapshotter"):
        async with Supervisor(root.parent / "other", root.parent / "other-state", snapshotter="zfs"):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize(("kind", "shares"), [("xfs", True), ("btrfs", True), ("ext4", False)])
async def test_a_copy_shares_the_blocks_where_the_file_system_can(tmp_short: Path, kind: str, shares: bool) -> None:
    """A container's file system costs nothing until something is written, and then what was written."""
    size = 32 << 20
    cgroup = f"/pycontainerd-{RUN.name[:12]}-{tmp_short.name}"
    (tmp_short / "tar").write_bytes(layer(("big", os.urandom(size))))
    with file_system(kind, tmp_short) as disk:
        supervisor = Supervisor(disk / "root", tmp_short / "state", cgroup_parent=cgroup, snapshotter="native")
        async with supervisor:
            image = await supervisor.images.import_rootfs(tmp_short / "tar", "big", changes=["CMD x"])
            before = _used(disk)
            container = await create(supervisor, "", image="big")
            original = Path(supervisor.snapshots.writable(image.layers[0]), "big")
            copy = Path(supervisor.snapshots.writable(container.id), "big")
            assert (_used(disk) - before < size // 8) == shares
            assert ([each.place for each in extents(copy)] == [each.place for each in extents(original)]) == shares
            assert all(each.shared == shares for each in extents(copy))
            _begin_with(copy, b"mine")
            assert not extents(copy)[0].shared
            assert any(each.shared for each in extents(copy)) == shares
            assert original.read_bytes()[4:] == copy.read_bytes()[4:]
            assert original.read_bytes()[:4] != b"mine"
            await remove_all(supervisor)


def _begin_with(path: Path, data: bytes) -> None:
    with path.open("r+b") as file:
        file.write(data)


def _used(disk: Path) -> int:
    """Bytes, after everything has its place."""
    subprocess.run(["sync", "-f", str(disk)], check=True)
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
