"""Snapshots as overlayfs layers: ``NUMBER/fs`` holds what a snapshot adds, ``NUMBER/work`` is overlayfs' own.

The built-in parent ``host`` has no directory: its one layer is the machine's root. Overlayfs does not cross mount points, so what is mounted
below / (proc, sysfs, devtmpfs) shows as empty directories; the directories of the store itself are whited out in each child.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyrunc
from pycontainerd import tree
from pycontainerd.diff.change import Difference
from pycontainerd.errors import InvalidConfig, SnapshotNotFound
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots import copying
from pycontainerd.snapshots.pool import Pool
from pycontainerd.snapshots.snapshotter import Kind
from pycontainerd.snapshots.stored import FORKED, HOST, StoredSnapshotter, insert

__all__ = ["HOST", "OverlaySnapshotter"]


class OverlaySnapshotter(StoredSnapshotter):
    """Below ``root``; ``hidden`` are directories of the machine that no child of ``host`` may see."""

    def __init__(self, root: Path, database: Database, *, hidden: Sequence[Path] = ()) -> None:
        if set(":,\\") & set(str(root)):
            raise InvalidConfig("root", f"{root}: overlayfs cannot use a path with a colon, comma or backslash")
        self._hidden = _outermost(hidden)
        self._pool = Pool(root.parent / "forks")
        super().__init__(root, database)

    in_place = False
    rebases = True

    def prepare_forkable(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See ForkingSnapshotter."""
        self._make(key, parent, Kind.ACTIVE, self._fill_in_pool)
        return self.mounts(key)

    def flush(self, source: str) -> None:
        """See ForkingSnapshotter."""
        if self._pool.has(str(self._row(source)[0])):
            self._pool.flush()

    def fork(self, key: str, source: str, *, in_use: bool) -> None:
        """See ForkingSnapshotter."""
        number, parent, kind = self._row(source)
        if kind != Kind.ACTIVE:
            raise SnapshotNotFound(source)
        if self._pool.has(str(number)):
            self._make(key, parent, Kind.ACTIVE, partial(self._copy_in_pool, number))
        elif in_use or "/" in self._lowers(parent):  # a layer below / cannot be a lower layer beside it: see `mounts`
            self._make(key, parent, Kind.ACTIVE, partial(self._copy, number))
        elif _is_untouched(self._root / str(number) / "fs"):
            self._make(key, parent, Kind.ACTIVE, partial(self._fill_like, number))
        else:
            self._split(key, source, number)

    def close(self) -> None:
        """Let go of what is mounted; containers that use it go on."""
        self._pool.close()

    def mounts(self, key: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        number, parent, kind = self._row(key)
        own = self._root / str(number)
        lowers = self._lowers(parent)
        if kind == Kind.VIEW and lowers[-1] != "/":
            lowers = [str(own / "fs"), *lowers]  # overlayfs wants two lower layers when there is no upper
            return (_overlay(f"lowerdir={':'.join(lowers)}"),)
        if not lowers:
            return (pyrunc.RootMount(fstype="bind", source=str(own / "fs"), options=("bind", "rw")),)
        # A view of the host needs an upper layer too: as a lower one, a directory below / would be in two layers at once (ELOOP).
        access = ("ro",) if kind == Kind.VIEW else ()
        return (_overlay(*access, f"lowerdir={':'.join(lowers)}", f"upperdir={own / 'fs'}", f"workdir={own / 'work'}"),)

    def _directories(self) -> list[str]:
        return [*dict.fromkeys((*super()._directories(), *self._pool.names()))]  # most have a link there and are here

    def _remove_directory(self, name: str) -> None:
        own = self._root / name
        if own.is_symlink() or self._pool.has(name):
            with contextlib.suppress(FileNotFoundError):
                self._pool.remove(name)
            own.unlink(missing_ok=True)
        else:
            tree.remove(own)

    def below(self, key: str) -> tuple[str, ...]:
        """See Snapshotter."""
        _, parent, _ = self._row(key)
        return tuple(self._lowers(parent))

    def difference(self, key: str) -> Difference:
        """See Snapshotter."""
        number, parent, _ = self._row(key)
        between = []
        while parent is not None and parent.startswith(FORKED):  # the container has written these, too
            layer, parent, _ = self._row(parent)
            between.append(self._fs(layer))
        lowers = self._lowers(parent)
        hidden = self._hidden if lowers[-1:] == ["/"] else ()
        return Difference(
            upper=self._fs(number),
            between=tuple(between),
            lowers=tuple(lowers),
            hidden=frozenset(os.fsencode(path).lstrip(b"/") for path in hidden),
        )

    def _fs(self, number: int) -> str:
        return str(self._root / str(number) / "fs")

    def _fill(self, own: Path, parent: str | None) -> None:
        own.mkdir()
        self._fill_existing(own, parent)

    def _fill_existing(self, own: Path, parent: str | None) -> None:
        for name, mode in (("fs", 0o755), ("work", 0o700)):
            (own / name).mkdir()
            (own / name).chmod(mode)
        if parent == HOST:
            self._hide(own / "fs")
        elif parent is not None:  # the root directory is the topmost layer's, too
            with contextlib.suppress(SnapshotNotFound):  # which is told when the row is made
                copying.dress(self._lowers(parent)[0], str(own / "fs"), overlay=False)

    def _fill_in_pool(self, own: Path, parent: str | None) -> None:
        """The link first, because it is what is looked for when a half-made directory is removed."""
        own.symlink_to(self._pool.path / own.name)
        self._fill_existing(self._pool.make(own.name), parent)

    def _copy_in_pool(self, number: int, own: Path, parent: str | None) -> None:
        own.symlink_to(self._pool.path / own.name)
        copy = self._pool.copy(str(number), own.name)
        tree.remove(copy / "work")  # what overlayfs keeps there is of the mount that the original has
        (copy / "work").mkdir(mode=0o700)

    def _copy(self, number: int, own: Path, parent: str | None) -> None:
        own.mkdir()
        copying.copy(str(self._root / str(number) / "fs"), str(own / "fs"))
        (own / "work").mkdir(mode=0o700)

    def _fill_like(self, number: int, own: Path, parent: str | None) -> None:
        """An empty layer whose root directory is as another's."""
        self._fill(own, parent)
        copying.dress(str(self._root / str(number) / "fs"), str(own / "fs"), overlay=False)

    def _split(self, key: str, source: str, number: int) -> None:
        """What ``source`` has written becomes a layer; it and the fork go on with an empty one each, both of them or neither."""
        layer = f"{FORKED}{uuid.uuid4().hex}"
        fill = partial(self._fill_like, number)

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE snapshots SET key = ?, kind = ? WHERE key = ?", (layer, Kind.COMMITTED, source))
            insert(connection, source, first, layer, Kind.ACTIVE)
            insert(connection, key, second, layer, Kind.ACTIVE)

        with self._directory(layer, fill) as first, self._directory(layer, fill) as second:
            self._database.write_now(change)

    def _lowers(self, key: str | None) -> list[str]:
        lowers: list[str] = []
        while key is not None and key != HOST:
            number, parent, _ = self._row(key)
            lowers.append(str(self._root / str(number) / "fs"))
            key = parent
        return [*lowers, "/"] if key == HOST else lowers

    def _hide(self, upper: Path) -> None:
        for path in self._hidden:
            inside = upper
            for part in path.parts[1:-1]:
                inside = inside / part
                inside.mkdir(exist_ok=True)
            os.mknod(inside / path.name, stat.S_IFCHR, os.makedev(0, 0))  # overlayfs' own mark for "deleted"
            while inside != upper:  # last, because what is made in a directory changes its time
                copying.dress(str("/" / inside.relative_to(upper)), str(inside), overlay=False)
                inside = inside.parent


def _is_untouched(layer: Path) -> bool:
    """Nothing was written since it was made: neither an entry nor the root directory, which has then no attributes of its own but overlayfs'."""
    with os.scandir(layer) as entries:
        return next(entries, None) is None


def _outermost(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Real paths, without those that lie in another: what is hidden takes along what is in it."""
    real = {path.resolve() for path in paths}
    return tuple(path for path in real if not real.intersection(path.parents))


def _overlay(*options: str) -> pyrunc.RootMount:
    return pyrunc.RootMount(fstype="overlay", source="overlay", options=options)
