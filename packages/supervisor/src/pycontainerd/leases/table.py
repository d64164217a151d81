"""The tables ``leases`` and ``lease_resources``. Every function runs inside the caller's transaction. Times are nanoseconds since the epoch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from pycontainerd.errors import LeaseExists, LeaseNotFound
from pycontainerd.leases.info import LeaseInfo
from pycontainerd.leases.resource import LeaseResource, ResourceKind

_ALIVE = "(expires_ns IS NULL OR expires_ns > ?)"


def insert(connection: sqlite3.Connection, namespace: str, lease: LeaseInfo, now: int) -> None:
    """Add a lease; one of this id that has expired makes way. LeaseExists."""
    connection.execute(
        "DELETE FROM leases WHERE namespace = ? AND id = ? AND expires_ns <= ?", (namespace, lease.id, now)
    )
    expires = nanoseconds(lease.expires_at) if lease.expires_at else None
    row = (namespace, lease.id, json.dumps(dict(lease.labels)), nanoseconds(lease.created_at), expires)
    try:
        connection.execute(
            "INSERT INTO leases (namespace, id, labels, created_ns, expires_ns) VALUES (?, ?, ?, ?, ?)", row
        )
    except sqlite3.IntegrityError:
        raise LeaseExists(lease.id) from None


def load(connection: sqlite3.Connection, namespace: str, now: int) -> list[LeaseInfo]:
    """The leases of a namespace that have not expired, oldest first."""
    query = f"SELECT id, labels, created_ns, expires_ns FROM leases WHERE namespace = ? AND {_ALIVE} ORDER BY created_ns, id"  # noqa: S608
    return [_info(*row) for row in connection.execute(query, (namespace, now))]


def find(connection: sqlite3.Connection, namespace: str, id: str, now: int) -> LeaseInfo:
    """One of them. LeaseNotFound."""
    query = f"SELECT id, labels, created_ns, expires_ns FROM leases WHERE namespace = ? AND id = ? AND {_ALIVE}"  # noqa: S608
    row = connection.execute(query, (namespace, id, now)).fetchone()
    if row is None:
        raise LeaseNotFound(id)
    return _info(*row)


def expire_at(connection: sqlite3.Connection, namespace: str, id: str, expires: datetime | None) -> None:
    """Change when a lease expires."""
    expires_ns = nanoseconds(expires) if expires else None
    connection.execute("UPDATE leases SET expires_ns = ? WHERE namespace = ? AND id = ?", (expires_ns, namespace, id))


def delete(connection: sqlite3.Connection, namespace: str, id: str) -> None:
    """Forget a lease, and with it what it held."""
    connection.execute("DELETE FROM leases WHERE namespace = ? AND id = ?", (namespace, id))


def add(connection: sqlite3.Connection, namespace: str, id: str, resources: Iterable[LeaseResource]) -> None:
    """Let a lease hold these, too."""
    connection.executemany(
        "INSERT OR IGNORE INTO lease_resources (namespace, lease_id, kind, name) VALUES (?, ?, ?, ?)",
        [(namespace, id, each.kind, each.name) for each in resources],
    )


def remove(connection: sqlite3.Connection, namespace: str, id: str, resources: Iterable[LeaseResource]) -> None:
    """Let a lease hold these no longer."""
    connection.executemany(
        "DELETE FROM lease_resources WHERE namespace = ? AND lease_id = ? AND kind = ? AND name = ?",
        [(namespace, id, each.kind, each.name) for each in resources],
    )


def resources(connection: sqlite3.Connection, namespace: str, id: str) -> list[LeaseResource]:
    """What a lease holds, in order."""
    rows = connection.execute(
        "SELECT kind, name FROM lease_resources WHERE namespace = ? AND lease_id = ? ORDER BY kind, name",
        (namespace, id),
    )
    return [LeaseResource(ResourceKind(kind), name) for kind, name in rows]


def all_resources(connection: sqlite3.Connection, now: int) -> list[tuple[str, LeaseResource]]:
    """What the leases of all namespaces hold that have not expired, each with its namespace."""
    join = "leases ON leases.id = lease_id AND leases.namespace = lease_resources.namespace"
    query = f"SELECT leases.namespace, kind, name FROM lease_resources JOIN {join} WHERE {_ALIVE}"  # noqa: S608
    rows = connection.execute(query, (now,))
    return [(namespace, LeaseResource(ResourceKind(kind), name)) for namespace, kind, name in rows]


def next_expiry(connection: sqlite3.Connection) -> int | None:
    """When the next lease expires, or has."""
    (expires,) = connection.execute("SELECT min(expires_ns) FROM leases").fetchone()
    return expires if expires is None else int(expires)


def delete_expired(connection: sqlite3.Connection, now: int) -> None:
    """Forget the leases whose time has come."""
    connection.execute("DELETE FROM leases WHERE expires_ns <= ?", (now,))


def nanoseconds(moment: datetime) -> int:
    """Since the epoch, without a float's rounding."""
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _info(id: str, labels: str, created: int, expires: int | None) -> LeaseInfo:
    return LeaseInfo(
        id=id,
        labels=json.loads(labels),
        created_at=_moment(created),
        expires_at=None if expires is None else _moment(expires),
    )


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(microsecond=ns % 10**9 // 1000)
