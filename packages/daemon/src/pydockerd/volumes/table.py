"""The rows of the table ``volumes``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from pydockerd.volumes.volume import LOCAL, State, Volume

DATA = "_data"


def load(connection: sqlite3.Connection, root: Path) -> list[Volume]:
    """All of them; ``root`` is the directory that their directories are in."""
    rows = connection.execute("SELECT name, options, labels, created_ns, state, made_for FROM volumes")
    return [
        Volume(
            name=name,
            path=root / name / DATA,
            options=json.loads(options),
            labels=json.loads(labels),
            created_ns=created_ns,
            state=State(state),
            made_for=made_for,
        )
        for name, options, labels, created_ns, state, made_for in rows
    ]


def insert(connection: sqlite3.Connection, volume: Volume) -> None:
    """Add one."""
    connection.execute(
        "INSERT INTO volumes (name, driver, options, labels, created_ns, state, made_for) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            volume.name,
            LOCAL,
            json.dumps(dict(volume.options)),
            json.dumps(dict(volume.labels)),
            volume.created_ns,
            volume.state,
            volume.made_for,
        ),
    )


def mark(connection: sqlite3.Connection, volumes: Iterable[Volume]) -> None:
    """Write down the states of some."""
    connection.executemany(
        "UPDATE volumes SET state = ?, made_for = ? WHERE name = ?",
        [(volume.state, volume.made_for, volume.name) for volume in volumes],
    )


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Forget one."""
    connection.execute("DELETE FROM volumes WHERE name = ?", (name,))
