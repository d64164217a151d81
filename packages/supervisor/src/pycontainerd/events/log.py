"""The table of events: appending inside the transaction of what happened, reading by cursor."""

from __future__ import annotations

import json
import sqlite3
import time

from attrs import evolve

from pycontainerd.events.event import Event

KEPT = 50_000
"""How many of the newest events outlive a restart of the supervisor."""


def append(connection: sqlite3.Connection, event: Event) -> Event:
    """Store the event with the next cursor and, unless it has one, the present time."""
    stamped = evolve(event, time_ns=event.time_ns or time.time_ns())
    row = connection.execute(
        "INSERT INTO events (namespace, time_ns, type, action, actor, attributes) VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(stamped.namespace, stamped.time_ns, stamped.type, stamped.action, stamped.actor),
            json.dumps(dict(stamped.attributes)),
        ),
    )
    return evolve(stamped, cursor=row.lastrowid or 0)


def after(connection: sqlite3.Connection, namespace: str, cursor: int, limit: int) -> list[Event]:
    """Up to ``limit`` events of a namespace with a larger cursor, in order."""
    rows = connection.execute(
        "SELECT cursor, time_ns, type, action, actor, attributes FROM events WHERE namespace = ? AND cursor > ?"
        " ORDER BY cursor LIMIT ?",
        (namespace, cursor, limit),
    )
    return [
        Event(
            namespace=namespace,
            cursor=number,
            time_ns=when,
            type=kind,
            action=action,
            actor=actor,
            attributes=json.loads(attributes),
        )
        for number, when, kind, action, actor, attributes in rows
    ]


def last(connection: sqlite3.Connection) -> int:
    """The cursor of the newest event, 0 when there is none."""
    (cursor,) = connection.execute("SELECT coalesce(max(cursor), 0) FROM events").fetchone()
    return int(cursor)


def prune(connection: sqlite3.Connection, kept: int = KEPT) -> None:
    """Forget all but the newest ``kept`` events."""
    connection.execute("DELETE FROM events WHERE cursor <= ?", (last(connection) - kept,))
