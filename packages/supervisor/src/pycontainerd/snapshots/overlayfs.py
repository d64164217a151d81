"""Snapshots as overlayfs layers: ``NUMBER/fs`` holds what a snapshot adds, ``NUMBER/work`` is overlayfs' own.

The built-in parent ``host`` has no directory: its one layer is the machine's root. Overlayfs does not cross mount points, so what is mounted
below / (proc, sysfs, devtmpfs) shows as empty directories; the directories of the store itself are whited out in each child.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

import pyrunc
from pycontainerd.errors import Conflict, InvalidConfig, SnapshotExists, SnapshotNotFound
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.snapshotter import Usage

HOST = "host"
"""The name of the committed snapshot that is the machine's own root."""

_COMMITTED, _ACTIVE, _VIEW = "committed", "active", "view"


class OverlaySnapshotter:
    """Below ``root``; ``hidden`` are directories of the machine that no child of ``host`` may see."""

    def __init__(self, root: Path, database: Database, *, hidden: Sequence[Path] = ()) -> None:
        if set(":,\\") & set(str(root)):
            raise InvalidConfig("root", f"{root}: overlayfs cannot use a path with a colon, comma or backslash")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root, self._database, self._hidden = root, database, tuple(path.resolve() for path in hidden)
        self._sweep()

    def prepare(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        number = self._make(key, parent, _ACTIVE)
        if parent == HOST:
            self._hide(self._root / str(number) / "fs")
        return self.mounts(key)

    def view(self, key: str, parent: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, _VIEW)
        return self.mounts(key)

    def mounts(self, key: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        number, parent, kind = self._row(key)
        own = self._root / str(number)
        lowers = self._lowers(parent)
        if kind == _VIEW:
            lowers = [str(own / "fs"), *lowers]  # overlayfs wants two lower layers when there is no upper
            return (_overlay(f"lowerdir={':'.join(lowers)}"),)
        if not lowers:
            return (pyrunc.RootMount(fstype="bind", source=str(own / "fs"), options=("bind", "rw")),)
        return (_overlay(f"lowerdir={':'.join(lowers)}", f"upperdir={own / 'fs'}", f"workdir={own / 'work'}"),)

    def commit(self, name: str, key: str) -> None:
        """See Snapshotter."""

        def change(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM snapshots WHERE key = ?", (name,)).fetchone():
                raise SnapshotExists(name)
            changed = connection.execute(
                "UPDATE snapshots SET key = ?, kind = ? WHERE key = ? AND kind = ?", (name, _COMMITTED, key, _ACTIVE)
            )
            if not changed.rowcount:
                raise SnapshotNotFound(key)

        self._database.write_now(change)

    def exists(self, key: str) -> bool:
        """See Snapshotter."""
        return key == HOST or self._find(key) is not None

    def remove(self, key: str) -> None:
        """See Snapshotter."""

        def change(connection: sqlite3.Connection) -> int:
            row = connection.execute("SELECT number FROM snapshots WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise SnapshotNotFound(key)
            if connection.execute("SELECT 1 FROM snapshots WHERE parent = ?", (key,)).fetchone():
                raise Conflict(f"snapshot {key}: others are made from it; remove them first")
            connection.execute("DELETE FROM snapshots WHERE key = ?", (key,))
            return int(row[0])

        number = self._database.write_now(change)
        shutil.rmtree(self._root / str(number))

    def usage(self, key: str) -> Usage:
        """See Snapshotter."""
        number, _, _ = self._row(key)
        size = inodes = 0
        for directory, names, files in os.walk(self._root / str(number) / "fs"):
            for name in (*names, *files):
                size += os.lstat(os.path.join(directory, name)).st_blocks * 512
                inodes += 1
        return Usage(size, inodes)

    def writable(self, key: str) -> str:
        """See Snapshotter."""
        number, _, _ = self._row(key)
        return str(self._root / str(number) / "fs")

    def _make(self, key: str, parent: str | None, kind: str) -> int:
        if parent is not None and not self.exists(parent):
            raise SnapshotNotFound(parent)
        number = self._database.write_now(lambda connection: _insert(connection, key, parent, kind))
        for name, mode in (("fs", 0o755), ("work", 0o700)):
            directory = self._root / str(number) / name
            directory.mkdir(parents=True)
            directory.chmod(mode)
        return number

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

    def _sweep(self) -> None:
        """Directories without a row are left from a crash between the two: the row is what counts."""
        rows = self._database.read_now(lambda c: c.execute("SELECT number FROM snapshots").fetchall())
        known = {str(number) for (number,) in rows}
        for entry in os.scandir(self._root):
            if entry.name not in known:
                shutil.rmtree(entry.path)


def _insert(connection: sqlite3.Connection, key: str, parent: str | None, kind: str) -> int:
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM snapshots").fetchone()
    try:
        connection.execute(
            "INSERT INTO snapshots (key, number, parent, kind) VALUES (?, ?, ?, ?)", (key, number, parent, kind)
        )
    except sqlite3.IntegrityError:
        raise SnapshotExists(key) from None
    return int(number)


def _overlay(*options: str) -> pyrunc.RootMount:
    return pyrunc.RootMount(fstype="overlay", source="overlay", options=options)
