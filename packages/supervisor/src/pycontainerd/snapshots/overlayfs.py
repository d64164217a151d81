"""Snapshots as overlayfs layers: ``NUMBER/fs`` holds what a snapshot adds, ``NUMBER/work`` is overlayfs' own.

The built-in parent ``host`` has no directory: its one layer is the machine's root. Overlayfs does not cross mount points, so what is mounted
below / (proc, sysfs, devtmpfs) shows as empty directories; the directories of the store itself are whited out in each child.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pyrunc
from pycontainerd import tree
from pycontainerd.errors import Conflict, InvalidConfig, SnapshotExists, SnapshotNotFound, StoreFailed
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Usage

HOST = "host"
"""The name of the committed snapshot that is the machine's own root."""


class OverlaySnapshotter:
    """Below ``root``; ``hidden`` are directories of the machine that no child of ``host`` may see."""

    def __init__(self, root: Path, database: Database, *, hidden: Sequence[Path] = ()) -> None:
        if set(":,\\") & set(str(root)):
            raise InvalidConfig("root", f"{root}: overlayfs cannot use a path with a colon, comma or backslash")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root, self._database, self._hidden = root, database, _outermost(hidden)
        # Numbers are not used again: the directory of one may still be on its way out when the next one is made.
        self._numbers = count(self._sweep() + 1)

    def prepare(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, Kind.ACTIVE)
        return self.mounts(key)

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

        def change(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT number FROM snapshots WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise SnapshotNotFound(key)
            if connection.execute("SELECT 1 FROM snapshots WHERE parent = ?", (key,)).fetchone():
                raise Conflict(f"snapshot {key}: others are made from it; remove them first")
            connection.execute("DELETE FROM snapshots WHERE key = ?", (key,))
            return int(row[0])

        return partial(self._delete, self._database.write_now(change))

    def _delete(self, number: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            tree.remove(self._root / str(number))

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

    def _make(self, key: str, parent: str | None, kind: Kind) -> None:
        """The directory first, then the row: a directory without a row is swept away at the next opening."""
        number = next(self._numbers)
        own = self._root / str(number)
        try:
            for name, mode in (("fs", 0o755), ("work", 0o700)):
                (own / name).mkdir(parents=True)
                (own / name).chmod(mode)
            if parent == HOST:
                self._hide(own / "fs")
            self._database.write_now(lambda connection: _insert(connection, key, number, parent, kind))
        except BaseException:
            if own.exists():
                tree.remove(own)
            raise

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
                tree.remove(self._root / name)
        return max(map(int, known), default=0)


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
