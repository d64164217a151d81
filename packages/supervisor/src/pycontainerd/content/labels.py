"""Labels of blobs: what is known about one and is no part of it, such as the repositories that have it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from pycontainerd.metadata.database import Database


class Labels:
    """The table ``content_labels``. All methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, digest: str) -> Mapping[str, str]:
        """Those of one blob."""
        return self._database.read_now(lambda connection: _get(connection, digest))

    def update(self, digest: str, changes: Mapping[str, str | None]) -> Mapping[str, str]:
        """Set some, take away those that are None; all that there are then."""

        def change(connection: sqlite3.Connection) -> Mapping[str, str]:
            labels = {name: text for name, text in {**_get(connection, digest), **changes}.items() if text is not None}
            if labels:
                connection.execute("INSERT OR REPLACE INTO content_labels VALUES (?, ?)", (digest, json.dumps(labels)))
            else:
                connection.execute("DELETE FROM content_labels WHERE digest = ?", (digest,))
            return labels

        return self._database.write_now(change)

    def forget(self, digest: str) -> None:
        """The blob goes. Nothing is written for one that has none."""
        if self.get(digest):
            self._database.write_now(
                lambda connection: connection.execute("DELETE FROM content_labels WHERE digest = ?", (digest,))
            )


def _get(connection: sqlite3.Connection, digest: str) -> dict[str, str]:
    row = connection.execute("SELECT labels FROM content_labels WHERE digest = ?", (digest,)).fetchone()
    return dict(json.loads(row[0])) if row else {}
