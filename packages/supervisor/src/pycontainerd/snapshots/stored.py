"""What every snapshotter of directories shares: a numbered directory and a row for each snapshot, and the life that the rows tell.

A subclass fills the directories and says how they are mounted. ``NUMBER/fs`` is what receives what is written.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pyrunc
from pycontainerd import tree
from pycontainerd.errors import Conflict, SnapshotExists, SnapshotNotFound, StoreFailed, Unsupported
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.snapshotter import Kind, Snapshot, Usage

HOST = "host"
"""The name of the committed snapshot that is the machine's own root."""
FORKED = "fork-"
"""What the names of committed snapshots begin with that a fork has made of a container's files. They go with the last that is made from them."""

Fill = Callable[[Path, str | None], None]
"""Makes a snapshot's directory at the path, for the parent."""


class StoredSnapshotter(ABC):
    """Below ``root``. Numbers are not used again: the directory of one may still be on its way out when the next one is made."""

    def __init__(self, root: Path, database: Database) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root, self._database = root, database
        self._numbers = count(self._sweep() + 1)

    @abstractmethod
    def mounts(self, key: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""

    @abstractmethod
    def _fill(self, own: Path, parent: str | None) -> None:
        """Make the directory of an active snapshot."""

    def _fill_view(self, own: Path, parent: str | None) -> None:
        """Make the directory of a view."""
        self._fill(own, parent)

    def prepare(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, Kind.ACTIVE)
        return self.mounts(key)

    def view(self, key: str, parent: str) -> tuple[pyrunc.RootMount, ...]:
        """See Snapshotter."""
        self._make(key, parent, Kind.VIEW, self._fill_view)
        return self.mounts(key)

    rebases = False

    def rebase(self, key: str, parent: str) -> None:
        """See Snapshotter."""
        if not self.rebases:
            raise Unsupported(
                f"snapshot {key}: it is a copy of its parent, and cannot be given another; prepare it on top of {parent}"
            )

        def change(connection: sqlite3.Connection) -> None:
            check_parent(connection, parent)
            changed = connection.execute(
                "UPDATE snapshots SET parent = ? WHERE key = ? AND kind = ? AND parent IS NULL",
                (parent, key, Kind.ACTIVE),
            )
            if not changed.rowcount:
                raise SnapshotNotFound(key)

        self._database.write_now(change)

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
        tree.remove(self._root / name)

    def usage(self, key: str) -> Usage:
        """See Snapshotter."""
        return Usage(*tree.measure(self.writable(key)))

    def writable(self, key: str) -> str:
        """See Snapshotter."""
        number, _, _ = self._row(key)
        return str(self._root / str(number) / "fs")

    def _make(self, key: str, parent: str | None, kind: Kind, fill: Fill | None = None) -> None:
        """The directory first, then the row: a directory without a row is swept away at the next opening."""
        with self._directory(parent, fill or self._fill) as number:
            self._database.write_now(lambda connection: insert(connection, key, number, parent, kind))

    @contextlib.contextmanager
    def _directory(self, parent: str | None, fill: Fill) -> Iterator[int]:
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
        for name in self._directories():
            if name not in known:
                self._remove_directory(name)
        return max(map(int, known), default=0)

    def _directories(self) -> list[str]:
        return os.listdir(self._root)


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


def check_parent(connection: sqlite3.Connection, parent: str) -> None:
    """SnapshotNotFound for what is not committed. Inside the caller's transaction."""
    found = connection.execute("SELECT kind FROM snapshots WHERE key = ?", (parent,)).fetchone()
    if found is None or found[0] != Kind.COMMITTED:
        raise SnapshotNotFound(parent)


def insert(connection: sqlite3.Connection, key: str, number: int, parent: str | None, kind: Kind) -> None:
    """The parent is looked at in the same transaction, so that it cannot go meanwhile."""
    if parent is not None and parent != HOST:
        check_parent(connection, parent)
    try:
        connection.execute(
            "INSERT INTO snapshots (key, number, parent, kind) VALUES (?, ?, ?, ?)", (key, number, parent, kind)
        )
    except sqlite3.IntegrityError:
        raise SnapshotExists(key) from None
