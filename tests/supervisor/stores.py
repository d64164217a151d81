"""What the stores of a supervisor hold, to compare before with after."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from attrs import frozen

from pycontainerd import Supervisor


@frozen
class Stored:
    """Names and rows; equal when nothing was added and nothing taken away."""

    blobs: frozenset[str]
    ingests: frozenset[str]
    partials: frozenset[str]
    snapshots: frozenset[str]
    homes: frozenset[str]
    rows: frozenset[tuple[object, ...]]

    @classmethod
    def of(cls, supervisor: Supervisor) -> Stored:
        root = supervisor.root
        return cls(
            blobs=_names(root / "content/blobs/sha256"),
            ingests=_names(root / "content/ingest"),
            partials=_names(root / "content/partial"),
            snapshots=_names(root / "snapshots"),
            homes=_names(root / "containers") | _names(supervisor.state / "containers"),
            rows=_rows(root / "metadata.db"),
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return not (self.blobs or self.ingests or self.partials or self.snapshots or self.homes or self.rows)


def _names(directory: os.PathLike[str]) -> frozenset[str]:
    return frozenset(os.listdir(directory) if os.path.isdir(directory) else ())


def _rows(database: os.PathLike[str]) -> frozenset[tuple[object, ...]]:
    found: set[tuple[object, ...]] = set()
    with closing(sqlite3.connect(database)) as connection:
        for table in (
            *("images", "image_references", "snapshots", "containers", "execs"),
            *("leases", "lease_resources", "content_labels", "blob_namespaces"),
        ):
            found |= {(table, *row) for row in connection.execute(f"SELECT * FROM {table}")}
    return frozenset(found)
