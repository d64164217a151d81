"""What a snapshotter has to be able to do, as a class of tests. For your own: make a subclass that has a fixture ``snapshotter``.

::

    import pytest

    from pycontainerd.testing.snapshotter_conformance import SnapshotterConformance


    class TestMine(SnapshotterConformance):
        @pytest.fixture
        def snapshotter(self, tmp_path):
            return MySnapshotter(tmp_path)

Each test gets a snapshotter without snapshots. Their files are written and read through what ``mounts`` describes, as a container does; so
root is needed. `pycontainerd.snapshots.snapshotter.Snapshotter` tells of the life of a snapshot.
"""

from __future__ import annotations

import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pycontainerd.diff.apply import apply
from pycontainerd.diff.change import Change, ChangeKind
from pycontainerd.diff.compare import changes
from pycontainerd.diff.create import create
from pycontainerd.errors import Conflict, SnapshotExists, SnapshotNotFound, Unsupported
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Snapshotter
from pycontainerd.tasks.detached import detached
from pycontainerd.tasks.idmap import user_namespace
from pyrunc import IdMapping

_IDMAPPED_OVERLAYS = (6, 15)
"""The first Linux that makes an overlay of idmapped layers that are mounted nowhere."""


def kernel() -> tuple[int, ...]:
    """The version of the kernel: 6.18 is (6, 18)."""
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])


def write(snapshotter: Snapshotter, key: str, name: str, content: str) -> None:
    """A file in the root directory of a snapshot, through its mount."""
    with detached(snapshotter.mounts(key), read_only=False) as root:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644, dir_fd=root)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)


def erase(snapshotter: Snapshotter, key: str, name: str) -> None:
    """Remove a file or an empty directory, through its mount."""
    with detached(snapshotter.mounts(key), read_only=False) as root:
        is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=root).st_mode)
        (os.rmdir if is_directory else os.unlink)(name, dir_fd=root)


def look(snapshotter: Snapshotter, key: str) -> dict[str, str]:
    """The files in the root directory of a snapshot, as a mount of it shows them."""
    found = {}
    with detached(snapshotter.mounts(key), read_only=False) as root:
        for name in os.listdir(root):
            with open(os.open(name, os.O_RDONLY, dir_fd=root), encoding="utf-8") as file:
                found[name] = file.read()
    return found


class SnapshotterConformance:
    """What the interface promises, of whichever implementation."""

    @pytest.fixture
    def snapshotter(self) -> Snapshotter:
        """The one to test."""
        raise NotImplementedError("give the subclass a fixture named snapshotter")

    def test_layers_cover_each_other(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        write(snapshotter, "work", "a", "1")
        snapshotter.commit("one", "work")
        assert not snapshotter.exists("work")
        snapshotter.prepare("work", "one")
        write(snapshotter, "work", "a", "2")
        write(snapshotter, "work", "b", "2")
        snapshotter.commit("two", "work")
        snapshotter.prepare("left", "two")
        snapshotter.prepare("right", "two")
        write(snapshotter, "left", "a", "3")
        erase(snapshotter, "right", "b")
        assert look(snapshotter, "left") == {"a": "3", "b": "2"}
        assert look(snapshotter, "right") == {"a": "2"}
        assert set(snapshotter.walk()) == {
            Snapshot("one", None, Kind.COMMITTED),
            Snapshot("two", "one", Kind.COMMITTED),
            Snapshot("left", "two", Kind.ACTIVE),
            Snapshot("right", "two", Kind.ACTIVE),
        }

    def test_what_is_mounted_is_what_was_written(self, snapshotter: Snapshotter) -> None:
        assert snapshotter.prepare("work", None) == snapshotter.mounts("work")
        Path(snapshotter.writable("work"), "a").write_text("1")
        assert look(snapshotter, "work") == {"a": "1"}

    def test_a_parent_can_be_given_later(self, snapshotter: Snapshotter) -> None:
        self._two_files(snapshotter)
        snapshotter.prepare("work", None)
        if not snapshotter.rebases:
            with pytest.raises(Unsupported):
                snapshotter.rebase("work", "one")
            return
        Path(snapshotter.writable("work"), "c").write_text("3")
        assert look(snapshotter, "work") == {"c": "3"}
        for key, parent in (
            ("work", "child"),
            ("work", "nothing"),
            ("nothing", "one"),
            ("child", "one"),
            ("one", "one"),
        ):
            with pytest.raises(SnapshotNotFound):
                snapshotter.rebase(key, parent)
        snapshotter.rebase("work", "one")
        assert look(snapshotter, "work") == {"a": "1", "b": "1", "c": "3"}
        snapshotter.commit("two", "work")
        assert Snapshot("two", "one", Kind.COMMITTED) in snapshotter.walk()
        snapshotter.remove("child")
        with pytest.raises(Conflict):
            snapshotter.remove("one")

    def test_a_view_cannot_be_written_to_or_committed(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        write(snapshotter, "work", "a", "1")
        snapshotter.commit("one", "work")
        assert snapshotter.view("view", "one") == snapshotter.mounts("view")
        assert look(snapshotter, "view") == {"a": "1"}
        with pytest.raises(OSError, match="Read-only"):
            write(snapshotter, "view", "a", "2")
        with pytest.raises(SnapshotNotFound):
            snapshotter.commit("two", "view")
        snapshotter.remove("view")
        snapshotter.prepare("child", "one")
        assert look(snapshotter, "child") == {"a": "1"}

    def test_a_parent_outlives_its_children(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        snapshotter.commit("one", "work")
        snapshotter.prepare("child", "one")
        with pytest.raises(Conflict, match="others are made from it"):
            snapshotter.remove("one")
        snapshotter.remove("child")
        snapshotter.remove("one")
        assert snapshotter.walk() == []

    def test_keys_are_unique_and_parents_committed(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        with pytest.raises(SnapshotExists):
            snapshotter.prepare("work", None)
        with pytest.raises(SnapshotNotFound):
            snapshotter.prepare("child", "nothing")
        with pytest.raises(SnapshotNotFound):
            snapshotter.prepare("child", "work")
        with pytest.raises(SnapshotNotFound):
            snapshotter.remove("child")
        snapshotter.prepare("other", None)
        snapshotter.commit("one", "work")
        with pytest.raises(SnapshotExists):
            snapshotter.commit("one", "other")
        assert {snapshot.key for snapshot in snapshotter.walk()} == {"one", "other"}

    def test_usage_grows_by_what_is_added(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        before = snapshotter.usage("work")
        write(snapshotter, "work", "a", "x" * 1_000_000)
        after = snapshotter.usage("work")
        assert after.size - before.size >= 1_000_000
        assert after.inodes - before.inodes == 1

    def test_forgetting_comes_before_deleting(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        place = Path(snapshotter.writable("work"))
        delete = snapshotter.forget("work")
        assert not snapshotter.exists("work")
        assert place.exists()
        delete()
        assert not place.exists()

    def test_the_difference_is_what_was_done(self, snapshotter: Snapshotter) -> None:
        self._two_files(snapshotter)
        assert changes(snapshotter.difference("child")) == []
        write(snapshotter, "child", "b", "more")
        erase(snapshotter, "child", "a")
        write(snapshotter, "child", "c", "new")
        assert changes(snapshotter.difference("child")) == [
            Change("/a", ChangeKind.DELETED),
            Change("/b", ChangeKind.MODIFIED),
            Change("/c", ChangeKind.ADDED),
        ]

    def test_a_layer_of_the_difference_makes_the_same_again(self, snapshotter: Snapshotter) -> None:
        self._two_files(snapshotter)
        write(snapshotter, "child", "c", "new")
        erase(snapshotter, "child", "a")
        layer = b"".join(create(snapshotter.difference("child")))
        snapshotter.prepare("again", "one")
        writable, below = snapshotter.writable("again"), snapshotter.below("again")
        apply(io.BytesIO(layer), writable, below, in_place=snapshotter.in_place)
        assert look(snapshotter, "again") == look(snapshotter, "child") == {"b": "1", "c": "new"}

    def test_the_root_directory_is_the_parents(self, snapshotter: Snapshotter) -> None:
        snapshotter.prepare("work", None)
        with detached(snapshotter.mounts("work"), read_only=False) as root:
            os.fchmod(root, 0o711)
            os.fchown(root, 5, 6)
        snapshotter.commit("one", "work")
        snapshotter.prepare("child", "one")
        with detached(snapshotter.mounts("child"), read_only=False) as root:
            status = os.fstat(root)
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o711, 5, 6)

    def test_layers_can_be_seen_with_other_owners(self, snapshotter: Snapshotter) -> None:
        """Through an idmapped mount, as in a user namespace; on the disk nothing changes."""
        self._two_files(snapshotter)
        snapshotter.view("view", "one")
        maps = [IdMapping(container_id=0, host_id=100_000, size=65_536)]
        with user_namespace(maps, maps) as ids:
            for key in ("view", "child"):
                try:
                    with detached(snapshotter.mounts(key), read_only=False, ids=ids) as root:
                        status = os.stat("a", dir_fd=root)
                except Unsupported:
                    assert kernel() < _IDMAPPED_OVERLAYS
                    continue
                assert (status.st_uid, status.st_gid) == (100_000, 100_000)
        with detached(snapshotter.mounts("child"), read_only=False) as root:
            assert os.stat("a", dir_fd=root).st_uid == 0

    def test_many_at_once_get_in_nobodys_way(self, snapshotter: Snapshotter) -> None:
        def live(number: int) -> None:
            for turn in range(10):
                key = f"{number}.{turn}"
                snapshotter.prepare(key, None)
                Path(snapshotter.writable(key), "mine").write_text(key)
                assert Path(snapshotter.writable(key), "mine").read_text() == key
                snapshotter.remove(key)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(live, range(8)))
        assert snapshotter.walk() == []

    def _two_files(self, snapshotter: Snapshotter) -> None:
        """``child`` of the committed ``one``, which has the files a and b."""
        snapshotter.prepare("work", None)
        write(snapshotter, "work", "a", "1")
        write(snapshotter, "work", "b", "1")
        snapshotter.commit("one", "work")
        snapshotter.prepare("child", "one")
