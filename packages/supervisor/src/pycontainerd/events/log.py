"""The table of events: appending inside the transaction of what happened, reading by cursor."""

from __future__ import annotations

import json
import sqlite3
import time

from attrs import evolve, frozen

from pycontainerd.events.event import Event

KEPT = 50_000
"""How many of the newest events are kept, of all namespaces together."""
_PRUNED_EACH = 1000
"""So many events may be in the table beyond that."""


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
    cursor = row.lastrowid or 0
    if cursor % _PRUNED_EACH == 0:
        prune(connection)
    return evolve(stamped, cursor=cursor)


@frozen
class Page:
    """Some events, in order, and up to which cursor there are no others of their namespace; up to ``forgotten`` they are not kept."""

    events: list[Event]
    reached: int
    forgotten: int


def page(connection: sqlite3.Connection, namespace: str, cursor: int, limit: int) -> Page:
    """Up to ``limit`` events of a namespace with a larger cursor."""
    newest = last(connection)  # first: what comes while we read is for the next page
    events = after(connection, namespace, cursor, newest, limit)
    full = len(events) == limit
    return Page(events, events[-1].cursor if full else newest, forgotten(connection, namespace))


def after(connection: sqlite3.Connection, namespace: str, cursor: int, newest: int, limit: int) -> list[Event]:
    """Up to ``limit`` events of a namespace with a larger cursor, at most ``newest``, in order."""
    rows = connection.execute(
        "SELECT cursor, time_ns, type, action, actor, attributes FROM events WHERE namespace = ? AND cursor > ?"
        " AND cursor <= ? ORDER BY cursor LIMIT ?",
        (namespace, cursor, newest, limit),
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


def forgotten(connection: sqlite3.Connection, namespace: str) -> int:
    """The cursor of the last event of a namespace that is not kept any more, 0 when all are."""
    found = connection.execute("SELECT cursor FROM forgotten_events WHERE namespace = ?", (namespace,)).fetchone()
    return int(found[0]) if found else 0


def last(connection: sqlite3.Connection) -> int:
    """The cursor of the newest event, 0 when there never was one."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(found[0]) if found else 0


def prune(connection: sqlite3.Connection, kept: int = KEPT) -> None:
    """Forget all but the newest ``kept`` events, and remember of each namespace how far that went."""
    limit = last(connection) - kept
    connection.execute(
        "INSERT OR REPLACE INTO forgotten_events (namespace, cursor)"
        " SELECT namespace, max(cursor) FROM events WHERE cursor <= ? GROUP BY namespace",
        (limit,),
    )
    connection.execute("DELETE FROM events WHERE cursor <= ?", (limit,))
