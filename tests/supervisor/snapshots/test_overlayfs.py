"""The life of a snapshot by overlayfs, and what overlayfs adds."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pycontainerd import tree
from pycontainerd.errors import InvalidConfig, SnapshotExists
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.overlayfs import HOST, OverlaySnapshotter
from pycontainerd.snapshots.snapshotter import Kind
from pycontainerd.tasks.detached import detached
from pycontainerd.tasks.idmap import user_namespace
from pycontainerd.testing.snapshotter_conformance import SnapshotterConformance, kernel, look, write
from pyrunc import IdMapping


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "metadata.db")
    yield made
    made.close()


@pytest.fixture
def snapshotter(tmp_path: Path, database: Database) -> OverlaySnapshotter:
    return OverlaySnapshotter(tmp_path / "snapshots", database)


class TestOverlayfs(SnapshotterConformance):
    """The life that all have in common."""

    @pytest.fixture
    def snapshotter(self, tmp_path: Path, database: Database) -> OverlaySnapshotter:
        return OverlaySnapshotter(tmp_path / "snapshots", database)


def test_a_hundred_layers_can_be_mounted(snapshotter: OverlaySnapshotter) -> None:
    parent: str | None = None
    for number in range(100):
        snapshotter.prepare("work", parent)
        Path(snapshotter.writable("work"), f"f{number}").write_text(str(number))
        snapshotter.commit(f"layer {number}", "work")
        parent = f"layer {number}"
    snapshotter.prepare("top", parent)
    assert len(look(snapshotter, "top")) == 100


def test_what_a_crash_has_left_is_swept_at_opening(tmp_path: Path, database: Database) -> None:
    snapshotter = OverlaySnapshotter(tmp_path / "s", database)
    snapshotter.prepare("kept", None)
    (tmp_path / "s/77/fs").mkdir(parents=True)
    database.write_now(
        lambda connection: connection.execute("INSERT INTO snapshots VALUES ('no directory', 5, NULL, 'active')")
    )
    again = OverlaySnapshotter(tmp_path / "s", database)
    assert os.listdir(tmp_path / "s") == ["1"]
    again.remove("no directory")
    again.prepare("next", None)
    assert [snapshot.key for snapshot in again.walk()] == ["kept", "next"]


def test_a_failed_prepare_leaves_nothing(tmp_path: Path, snapshotter: OverlaySnapshotter) -> None:
    snapshotter.prepare("work", None)
    before = os.listdir(tmp_path / "snapshots")
    with pytest.raises(SnapshotExists):
        snapshotter.prepare("work", None)
    assert os.listdir(tmp_path / "snapshots") == before


def test_a_tree_deeper_than_the_stack_can_be_removed_and_measured(snapshotter: OverlaySnapshotter) -> None:
    snapshotter.prepare("work", None)
    current = os.open(snapshotter.writable("work"), os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=current)
        following = os.open("d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = following
    os.close(current)
    assert snapshotter.usage("work").inodes > 1000
    snapshotter.remove("work")
    assert snapshotter.walk() == []


def test_removal_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").touch()
    (tmp_path / "tree/d").mkdir(parents=True)
    (tmp_path / "tree/d/link").symlink_to(tmp_path / "outside")
    (tmp_path / "tree/link").symlink_to("/")
    tree.remove(tmp_path / "tree")
    assert (tmp_path / "outside/file").exists()
    assert not (tmp_path / "tree").exists()
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectoryError):
        tree.remove(tmp_path / "link")


def test_measuring_counts_a_hard_link_once_and_bears_change(tmp_path: Path) -> None:
    top = tmp_path / "tree"
    (top / "d").mkdir(parents=True)
    (top / "a").write_bytes(b"x" * 100_000)
    os.link(top / "a", top / "d/b")
    size, inodes = tree.measure(str(top))
    assert 100_000 <= size < 200_000
    assert inodes == 2
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            (top / "d/come").mkdir()
            (top / "d/come").rmdir()

    with ThreadPoolExecutor(1) as pool:
        churning = pool.submit(churn)
        for _ in range(200):
            tree.measure(str(top))
        stop.set()
        churning.result()


@pytest.mark.parametrize("kind", [Kind.ACTIVE, Kind.VIEW])
def test_the_host_without_the_stores_own_directories(tmp_path: Path, database: Database, kind: Kind) -> None:
    (tmp_path / "state/inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to("state/inside")
    hidden = (tmp_path / "root", tmp_path / "state", tmp_path / "link")
    snapshotter = OverlaySnapshotter(tmp_path / "root/snapshots", database, hidden=hidden)
    if kind is Kind.ACTIVE:
        snapshotter.prepare("c", HOST)
    else:
        snapshotter.view("c", HOST)
    with detached(snapshotter.mounts("c"), read_only=False) as root:
        below = os.open(str(tmp_path).lstrip("/"), os.O_RDONLY, dir_fd=root)
        names = os.listdir(below)
        mode = stat.S_IMODE(os.fstat(below).st_mode)
        os.close(below)
    assert "root" not in names
    assert "state" not in names
    assert "metadata.db" in names
    assert mode == stat.S_IMODE(tmp_path.stat().st_mode)


def test_a_root_that_overlayfs_cannot_name_is_refused(tmp_path: Path, database: Database) -> None:
    with pytest.raises(InvalidConfig, match="colon"):
        OverlaySnapshotter(tmp_path / "a:b", database)


@pytest.mark.skipif(
    kernel() < (6, 15), reason="overlays of idmapped layers that are mounted nowhere came with Linux 6.15"
)
def test_a_mapped_root_writes_to_idmapped_layers(snapshotter: OverlaySnapshotter) -> None:
    """As root of a user namespace: what is root's below is his, and what he writes is his on the disk."""
    snapshotter.prepare("work", None)
    write(snapshotter, "work", "a", "1")
    snapshotter.commit("one", "work")
    snapshotter.prepare("child", "one")
    os.chown(snapshotter.writable("child"), 100_000, 100_000)
    maps = [IdMapping(container_id=0, host_id=100_000, size=65_536)]
    with user_namespace(maps, maps) as ids, detached(snapshotter.mounts("child"), read_only=False, ids=ids) as root:
        script = f"cd /proc/self/fd/{root} && echo 2 >> a && echo new > b"
        subprocess.run(["sh", "-c", script], user=100_000, group=100_000, extra_groups=[], pass_fds=[root], check=True)
    upper = Path(snapshotter.writable("child"))
    assert ((upper / "a").stat().st_uid, (upper / "a").read_text()) == (100_000, "12\n")
    assert (upper / "b").stat().st_uid == 100_000
    assert Path(snapshotter.below("child")[0], "a").stat().st_uid == 0
