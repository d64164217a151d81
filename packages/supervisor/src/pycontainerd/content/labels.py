"""Labels of blobs: what is known about one and is no part of it, such as the repositories that have it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from pycontainerd.metadata.database import Database
from pycontainerd.metadata.namespace import DEFAULT


class Labels:
    """The rows of one namespace in the table ``content_labels``. All methods block."""

    def __init__(self, database: Database, namespace: str = DEFAULT) -> None:
        self._database, self._namespace = database, namespace

    def of_namespace(self, namespace: str) -> Labels:
        """Those of another one."""
        return Labels(self._database, namespace)

    def get(self, digest: str) -> Mapping[str, str]:
        """Those of one blob."""
        return self._database.read_now(lambda connection: self._get(connection, digest))

    def update(self, digest: str, changes: Mapping[str, str | None]) -> Mapping[str, str]:
        """Set some, take away those that are None; all that there are then."""

        def change(connection: sqlite3.Connection) -> Mapping[str, str]:
            merged = {**self._get(connection, digest), **changes}
            labels = {name: text for name, text in merged.items() if text is not None}
            key = (self._namespace, digest)
            connection.execute("DELETE FROM content_labels WHERE namespace = ? AND digest = ?", key)
            if labels:
                connection.execute("INSERT INTO content_labels VALUES (?, ?, ?)", (*key, json.dumps(labels)))
            return labels

        return self._database.write_now(change)

    def forget(self, digest: str) -> None:
        """The blob goes, for all namespaces. Nothing is written for one that has none."""
        query = "SELECT 1 FROM content_labels WHERE digest = ?"
        if self._database.read_now(lambda connection: connection.execute(query, (digest,)).fetchone()):
            self._database.write_now(
                lambda connection: connection.execute("DELETE FROM content_labels WHERE digest = ?", (digest,))
            )

    def _get(self, connection: sqlite3.Connection, digest: str) -> dict[str, str]:
        query = "SELECT labels FROM content_labels WHERE namespace = ? AND digest = ?"
        row = connection.execute(query, (self._namespace, digest)).fetchone()
        return dict(json.loads(row[0])) if row else {}
