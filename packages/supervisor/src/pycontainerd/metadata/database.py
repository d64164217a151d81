"""The database: one writer at a time, every change one transaction, readers that wait for nobody.

``kill -9`` at any instruction leaves the state before or after a transaction, never between (SQLite's WAL).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pycontainerd.errors import StoreDamaged, StoreFailed, StoreTooNew
from pycontainerd.metadata.reserve import Reserve
from pycontainerd.metadata.schema import STEPS

T = TypeVar("T")


class Database:
    """Opened once by a Supervisor. StoreTooNew for a database of a later version, StoreDamaged for a file that is none, StoreFailed when the
    disk is full. One of an earlier version is brought up to this one in a transaction for each step: what goes wrong changes nothing.

    ``steps`` are the tables: the supervisor's, or those of who builds on it and keeps a database of its own.
    """

    def __init__(self, path: Path, reserve: Reserve | None = None, *, steps: Sequence[str] = STEPS) -> None:
        self._path, self._reserve = path, reserve
        with self._telling("it cannot be opened"):
            _make_private(path)
            self._writer = _connect(path)
            self._reader = _connect(path)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-metadata")
        try:
            with self._telling("nothing was changed"):
                self._prepare(path, steps)
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path, steps: Sequence[str]) -> None:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > len(steps):
            raise StoreTooNew(f"{path}: version {version}, this program knows up to {len(steps)}: use a newer one")
        self._writer.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses at most the last transactions at a power cut, never at a crash of the process, and never consistency.
        self._writer.execute("PRAGMA synchronous = NORMAL")
        self._writer.execute("PRAGMA foreign_keys = ON")
        for number, step in enumerate(steps[version:], version + 1):
            self._writer.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")

    def write_now(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` as one transaction, in this thread; an exception rolls it back. StoreFailed when the disk is full; StoreDamaged.

        On a full disk the reserve is given away, and ``change`` called once more.
        """
        with self._writing, self._telling("nothing was changed"):
            try:
                return self._transaction(change)
            except sqlite3.OperationalError as error:
                if self._reserve is None or not _lacks_room(error) or not self._reserve.spend():
                    raise
            return self._transaction(change)

    def _transaction(self, change: Callable[[sqlite3.Connection], T]) -> T:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            result = change(self._writer)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:  # SQLite itself rolls back when the disk is full
                self._writer.execute("ROLLBACK")
            raise
        return result

    def read_now(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` in this thread. It sees what is committed, and does not wait for who is writing. StoreFailed, StoreDamaged."""
        with self._reading, self._telling("it cannot be read"):
            return query(self._reader)

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """SQLite's errors in our words. What a query may expect (IntegrityError) goes through."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreFailed(f"{self._path}: {what}: {error}; make room, or see to the disk") from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            advice = "restore it, or choose another root"
            raise StoreDamaged(f"{self._path}: cannot be read as a database: {error}; {advice}") from error

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """``write_now`` in the database's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.write_now, change)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """``read_now`` in the database's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.read_now, query)

    def close(self) -> None:
        """Finish what was asked for, then close."""
        self._thread.shutdown()
        self._reader.close()
        self._writer.close()


def _lacks_room(error: sqlite3.OperationalError) -> bool:
    """SQLITE_FULL; or SQLITE_IOERR, which it is when the index of the log cannot grow."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)


def _make_private(path: Path) -> None:
    """The environments of containers are in it, with their secrets. SQLite gives its other files the mode of this one."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
