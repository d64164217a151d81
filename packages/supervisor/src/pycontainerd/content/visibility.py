"""Which blobs a namespace knows: those that it has proven to have, by bringing in every byte of them.

containerd calls this ``content_sharing_policy = "isolated"``. Its default is ``shared``, where it is enough to know the digest of a blob to
have it at once, wherever it came from. But digests are no secrets: they are in manifests, logs and lock files. So a blob is stored once for
all namespaces, but each of them has to pull or import it for itself, which costs the transfer and saves the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from pycontainerd.metadata.database import Database


class Visibility:
    """The rows of one namespace in the table ``blob_namespaces``. All methods block; those that write raise StoreFailed."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database, self.namespace = database, namespace

    def has(self, digest: str) -> bool:
        """Whether the namespace may read the blob, if there is one."""
        query = "SELECT 1 FROM blob_namespaces WHERE namespace = ? AND digest = ?"
        row = self._database.read_now(lambda connection: connection.execute(query, (self.namespace, digest)).fetchone())
        return row is not None

    def all(self) -> set[str]:
        """Every digest of which that is so."""
        query = "SELECT digest FROM blob_namespaces WHERE namespace = ?"
        rows = self._database.read_now(lambda connection: connection.execute(query, (self.namespace,)).fetchall())
        return {digest for (digest,) in rows}

    def add(self, digest: str) -> None:
        """The namespace has brought the blob in."""
        if not self.has(digest):
            row = (self.namespace, digest)
            self._database.write_now(
                lambda connection: connection.execute("INSERT OR IGNORE INTO blob_namespaces VALUES (?, ?)", row)
            )

    def forget(self, digest: str) -> None:
        """The namespace needs the blob no longer."""
        self._database.write_now(lambda connection: forget(connection, [(self.namespace, digest)]))


def load(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The namespace and the digest of each row, inside the caller's transaction."""
    return connection.execute("SELECT namespace, digest FROM blob_namespaces").fetchall()


def forget(connection: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    """Delete rows, and the labels of these blobs in these namespaces, inside the caller's transaction."""
    for row in rows:
        for table in ("blob_namespaces", "content_labels"):
            connection.execute(f"DELETE FROM {table} WHERE namespace = ? AND digest = ?", row)  # noqa: S608
