"""The database: one writer at a time, every change one transaction, readers that wait for nobody.

``kill -9`` at any instruction leaves the state before or after a transaction, never between (SQLite's WAL).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pycontainerd.errors import StoreDamaged, StoreFailed, StoreTooNew
from pycontainerd.metadata.schema import STEPS

T = TypeVar("T")


class Database:
    """Opened once by a Supervisor. Raises StoreTooNew for a database of a later version, StoreDamaged for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        _make_private(path)
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-metadata")
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreDamaged(
                f"{path}: cannot be read as a database: {error}; restore it, or choose another root"
            ) from error
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._writer.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses at most the last transactions at a power cut, never at a crash of the process, and never consistency.
        self._writer.execute("PRAGMA synchronous = NORMAL")
        self._writer.execute("PRAGMA foreign_keys = ON")
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version > len(STEPS):
            raise StoreTooNew(f"{path}: version {version}, this pycontainerd knows up to {len(STEPS)}: use a newer one")
        for number, step in enumerate(STEPS[version:], version + 1):
            self._writer.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")

    def write_now(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` as one transaction, in this thread; an exception rolls it back. StoreFailed when the disk is full."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = change(self._writer)
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:  # SQLite itself rolls back when the disk is full
                    self._writer.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreFailed(f"{self._path}: nothing was changed: {error}") from error
                raise
            return result

    def read_now(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` in this thread. It sees what is committed, and does not wait for who is writing."""
        with self._reading:
            return query(self._reader)

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


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None)


def _make_private(path: Path) -> None:
    """The environments of containers are in it, with their secrets. SQLite gives its other files the mode of this one."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
