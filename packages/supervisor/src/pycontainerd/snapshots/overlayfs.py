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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pyrunc
from pycontainerd import tree
from pycontainerd.errors import Conflict, InvalidConfig, SnapshotExists, SnapshotNotFound, StoreFailed
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots import copying
from pycontainerd.snapshots.pool import Pool
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Usage

HOST = "host"
"""The name of the committed snapshot that is the machine's own root."""
FORKED = "fork-"
"""What the names of committed snapshots begin with that a fork has made of a container's files. They go with the last that is made from them."""

_Fill = Callable[[Path, str | None], None]
"""Makes a snapshot's directory at the path, for the parent."""


class OverlaySnapshotter:
    """Below ``root``; ``hidden`` are directories of the machine that no child of ``host`` may see."""

    def __init__(self, root: Path, database: Database, *, hidden: Sequence[Path] = ()) -> None:
        if set(":,\\") & set(str(root)):
            raise InvalidConfig("root", f"{root}: overlayfs cannot use a path with a colon, comma or backslash")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root, self._database, self._hidden = root, database, _outermost(hidden)
        self._pool = Pool(root.parent / "forks")
        # Numbers are not used again: the directory of one may still be on its way out when the next one is made.
        self._numbers = count(self._sweep() + 1)

    def prepare(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, Kind.ACTIVE)
        return self.mounts(key)

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

    def view(self, key: str, parent: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, Kind.VIEW)
        return self.mounts(key)

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

    def commit(self, name: str, key: str) -> None:
        """See Snapshotter."""

        def change(connection: sqlite3.Connection) -> None:
            if name == HOST or connection.execute("SELECT 1 FROM snapshots WHERE key = ?", (name,)).fetchone():
                raise SnapshotExists(name)
            changed = connection.execute(
                "UPDATE snapshots SET key = ?, kind = ? WHERE key = ? AND kind = ?",
                (name, Kind.COMMITTED, key, Kind.ACTIVE),
            )
            if not changed.rowcount:
                raise SnapshotNotFound(key)

        self._database.write_now(change)

    def exists(self, key: str) -> bool:
        """See Snapshotter."""
        return key == HOST or self._find(key) is not None

    def walk(self) -> list[Snapshot]:
        """See Snapshotter."""
        query = "SELECT key, parent, kind FROM snapshots"
        rows = self._database.read_now(lambda connection: connection.execute(query).fetchall())
        return [Snapshot(key, parent, Kind(kind)) for key, parent, kind in rows]

    def remove(self, key: str) -> None:
        """See Snapshotter."""
        try:
            delete = self.forget(key)
        except StoreFailed:
            number, _, kind = self._row(key)
            if kind == Kind.COMMITTED:
                raise
            self._delete(number)  # the disk is full, and this may be what has filled it
            delete = self.forget(key)
        delete()

    def forget(self, key: str) -> Callable[[], None]:
        """See Snapshotter."""

        def change(connection: sqlite3.Connection) -> list[int]:
            if connection.execute("SELECT 1 FROM snapshots WHERE parent = ?", (key,)).fetchone():
                raise Conflict(f"snapshot {key}: others are made from it; remove them first")
            return _forget(connection, key)

        return partial(self._delete, *self._database.write_now(change))

    def _delete(self, *numbers: int) -> None:
        for number in numbers:
            with contextlib.suppress(FileNotFoundError):
                self._remove_directory(str(number))

    def _remove_directory(self, name: str) -> None:
        own = self._root / name
        if own.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                self._pool.remove(name)
            own.unlink()
        else:
            tree.remove(own)

    def usage(self, key: str) -> Usage:
        """See Snapshotter."""
        return Usage(*tree.measure(self.writable(key)))

    def writable(self, key: str) -> str:
        """See Snapshotter."""
        number, _, _ = self._row(key)
        return str(self._root / str(number) / "fs")

    def below(self, key: str) -> tuple[str, ...]:
        """See Snapshotter."""
        _, parent, _ = self._row(key)
        return tuple(self._lowers(parent))

    def _make(self, key: str, parent: str | None, kind: Kind, fill: _Fill | None = None) -> None:
        """The directory first, then the row: a directory without a row is swept away at the next opening."""
        with self._directory(parent, fill or self._fill) as number:
            self._database.write_now(lambda connection: _insert(connection, key, number, parent, kind))

    @contextlib.contextmanager
    def _directory(self, parent: str | None, fill: _Fill) -> Iterator[int]:
        """A new one, which is removed again if the context fails."""
        number = next(self._numbers)
        own = self._root / str(number)
        try:
            fill(own, parent)
            yield number
        except BaseException:
            if own.is_symlink() or own.exists():
                self._remove_directory(own.name)
            raise

    def _fill(self, own: Path, parent: str | None) -> None:
        own.mkdir()
        self._fill_existing(own, parent)

    def _fill_existing(self, own: Path, parent: str | None) -> None:
        for name, mode in (("fs", 0o755), ("work", 0o700)):
            (own / name).mkdir()
            (own / name).chmod(mode)
        if parent == HOST:
            self._hide(own / "fs")

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
            _insert(connection, source, first, layer, Kind.ACTIVE)
            _insert(connection, key, second, layer, Kind.ACTIVE)

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
                if not inside.exists():
                    original = os.stat("/" / inside.relative_to(upper))
                    inside.mkdir()
                    os.chown(inside, original.st_uid, original.st_gid)
                    inside.chmod(stat.S_IMODE(original.st_mode))
            os.mknod(inside / path.name, stat.S_IFCHR, os.makedev(0, 0))  # overlayfs' own mark for "deleted"

    def _find(self, key: str) -> tuple[int, str | None, str] | None:
        query = "SELECT number, parent, kind FROM snapshots WHERE key = ?"
        row: tuple[int, str | None, str] | None = self._database.read_now(lambda c: c.execute(query, (key,)).fetchone())
        return row

    def _row(self, key: str) -> tuple[int, str | None, str]:
        row = self._find(key)
        if row is None:
            raise SnapshotNotFound(key)
        return row

    def _sweep(self) -> int:
        """Directories without a row are left from a crash between the two: the row is what counts. Returns the largest number in use."""
        rows = self._database.read_now(lambda c: c.execute("SELECT number FROM snapshots").fetchall())
        known = {str(number) for (number,) in rows}
        for name in os.listdir(self._root):
            if name not in known:
                self._remove_directory(name)
        for name in self._pool.names():
            if name not in known:
                self._pool.remove(name)
        return max(map(int, known), default=0)


def _is_untouched(layer: Path) -> bool:
    """Nothing was written since it was made: neither an entry nor the root directory, which has then no attributes of its own but overlayfs'."""
    with os.scandir(layer) as entries:
        return next(entries, None) is None


def _forget(connection: sqlite3.Connection, key: str | None) -> list[int]:
    """Delete the row, and those of layers that forks have left below it and that nothing else is made from. Their numbers."""
    row = connection.execute("SELECT number, parent FROM snapshots WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise SnapshotNotFound(str(key))
    connection.execute("DELETE FROM snapshots WHERE key = ?", (key,))
    number, parent = row
    is_last = not connection.execute("SELECT 1 FROM snapshots WHERE parent = ?", (parent,)).fetchone()
    below = _forget(connection, parent) if parent and parent.startswith(FORKED) and is_last else []
    return [number, *below]


def _outermost(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Real paths, without those that lie in another: what is hidden takes along what is in it."""
    real = {path.resolve() for path in paths}
    return tuple(path for path in real if not real.intersection(path.parents))


def _insert(connection: sqlite3.Connection, key: str, number: int, parent: str | None, kind: Kind) -> None:
    """The parent is looked at in the same transaction, so that it cannot go meanwhile."""
    if parent not in (None, HOST):
        found = connection.execute("SELECT kind FROM snapshots WHERE key = ?", (parent,)).fetchone()
        if found is None or found[0] != Kind.COMMITTED:
            raise SnapshotNotFound(str(parent))
    try:
        connection.execute(
            "INSERT INTO snapshots (key, number, parent, kind) VALUES (?, ?, ?, ?)", (key, number, parent, kind)
        )
    except sqlite3.IntegrityError:
        raise SnapshotExists(key) from None


def _overlay(*options: str) -> pyrunc.RootMount:
    return pyrunc.RootMount(fstype="overlay", source="overlay", options=options)
