"""The database: one connection, one writer at a time, every change one transaction.

``kill -9`` at any instruction leaves the state before or after a transaction, never between (SQLite's WAL).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pycontainerd.errors import StoreTooNew
from pycontainerd.metadata.schema import STEPS

T = TypeVar("T")


class Database:
    """Opened once by a Supervisor; ``tables`` are idempotent ``CREATE TABLE IF NOT EXISTS`` scripts of other parts.

    Raises StoreTooNew for a database of a later version.
    """

    def __init__(self, path: Path, *, tables: Sequence[str] = ()) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pycontainerd-metadata")
        try:
            self._prepare(path, tables)
        except BaseException:
            self.close()
            raise

    def _prepare(self, path: Path, tables: Sequence[str]) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL loses at most the last transactions at a power cut, never at a crash of the process, and never consistency.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(STEPS):
            raise StoreTooNew(f"{path}: version {version}, this pycontainerd knows up to {len(STEPS)}: use a newer one")
        for number, step in enumerate(STEPS[version:], version + 1):
            self._connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
        for script in tables:
            self._connection.executescript(script)

    def write_now(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` as one transaction, in this thread; an exception rolls it back."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = change(self._connection)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            return result

    def read_now(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` in this thread."""
        with self._lock:
            return query(self._connection)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """``write_now`` in the database's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.write_now, change)

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """``read_now`` in the database's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.read_now, query)

    def close(self) -> None:
        """Finish what was asked for, then close."""
        self._thread.shutdown()
        self._connection.close()
