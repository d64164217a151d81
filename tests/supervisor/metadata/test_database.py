"""The database itself: transactions, and what is said when it cannot be had."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pycontainerd.errors import StoreDamaged
from pycontainerd.metadata.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "metadata.db")
    yield made
    made.close()


def insert(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT INTO leases (namespace, id, labels, created_ns) VALUES ('default', ?, '{}', 0)", (name,))


def names(database: Database) -> list[str]:
    return [name for (name,) in database.read_now(lambda c: c.execute("SELECT id FROM leases ORDER BY id").fetchall())]


def test_what_raises_is_rolled_back(database: Database) -> None:
    def change(connection: sqlite3.Connection) -> None:
        insert(connection, "one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write_now(change)
    assert names(database) == []


def test_what_a_caller_may_expect_goes_through(database: Database) -> None:
    database.write_now(lambda connection: insert(connection, "one"))
    with pytest.raises(sqlite3.IntegrityError):
        database.write_now(lambda connection: insert(connection, "one"))
    assert names(database) == ["one"]


def test_who_reads_does_not_wait_for_who_writes(database: Database) -> None:
    def change(connection: sqlite3.Connection) -> list[str]:
        insert(connection, "one")
        return names(database)

    assert database.write_now(change) == []
    assert names(database) == ["one"]


async def test_damage_that_is_found_later(tmp_path: Path) -> None:
    """Pages in the middle are overwritten: the file opens, and the tables cannot be read."""
    path = tmp_path / "metadata.db"
    database = Database(path)
    for number in range(1000):
        database.write_now(partial(insert, name=f"{number:0100}"))
    database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 3 // 4)
        file.write(b"\xff" * (path.stat().st_size // 4))
    damaged = Database(path)
    with pytest.raises(StoreDamaged, match=r"metadata\.db: cannot be read as a database: .*; restore it"):
        names(damaged)
    with pytest.raises(StoreDamaged):
        await damaged.read(lambda connection: connection.execute("SELECT * FROM leases").fetchall())
    damaged.close()
