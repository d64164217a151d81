"""What builds remember: which step has given which layer. Records are in the daemon's database, the layers in the supervisor's store, kept by a lease.

A step is known by its key, the digest of what went into it (see `pydockerd.builder.steps`). A record whose layer is not there any more is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from pycontainerd import LeaseResource, Namespace, Supervisor, tree
from pycontainerd.errors import LeaseExists
from pycontainerd.images.image import Layer
from pycontainerd.metadata.database import Database
from pydockerd.builder.roottree import clear_views

LEASE: Final = "pydockerd-build-cache"
NAMESPACE: Final = "pydockerd-build"
"""Of the containers that RUN runs in, and of what they are made from: not seen by who lists containers and images."""

REGULAR: Final = "regular"
MOUNT: Final = "exec.cachemount"
"""Kinds of records, in BuildKit's words."""


@frozen(kw_only=True)
class Record:
    """One step, or one cache mount (``key`` is its directory's name then). ``layer`` None: it has changed no file. ``created`` is RFC 3339 text."""

    key: str
    kind: str = REGULAR
    description: str
    layer: Layer | None = None
    created: str = ""
    made_ns: int = 0
    used_ns: int = 0
    uses: int = 0


@define
class BuildCache:
    """``directory`` is for what is not in the store: cache mounts, and what RUN mounts of contexts; ``runtime`` for secrets, best on a tmpfs. One for each
    data root."""

    _database: Database
    directory: Path
    runtime: Path
    _locks: dict[str, asyncio.Lock] = field(factory=dict, init=False)
    _busy: dict[str, int] = field(factory=dict, init=False)

    @contextlib.asynccontextmanager
    async def claimed(self, key: str) -> AsyncIterator[None]:
        """Nobody else works on the step meanwhile: who wants the same at the same time waits, and finds it done."""
        async with self.used(key), self._locks.setdefault(key, asyncio.Lock()):
            yield

    @contextlib.asynccontextmanager
    async def used(self, key: str) -> AsyncIterator[None]:
        """It is not pruned meanwhile; others may use it as well."""
        self._busy[key] = self._busy.get(key, 0) + 1
        try:
            yield
        finally:
            self._busy[key] -= 1
            if not self._busy[key]:
                del self._busy[key]
                self._locks.pop(key, None)

    def is_busy(self, key: str) -> bool:
        """Whether somebody works with it at the moment."""
        return key in self._busy

    async def get(self, key: str) -> Record | None:
        """The record, which counts as used now."""
        now = time.time_ns()

        def find(connection: sqlite3.Connection) -> Record | None:
            connection.execute("UPDATE build_steps SET used_ns = ?, uses = uses + 1 WHERE key = ?", (now, key))
            row = connection.execute(f"SELECT {_COLUMNS} FROM build_steps WHERE key = ?", (key,)).fetchone()  # noqa: S608
            return _record(row) if row is not None else None

        return await self._database.write(find)

    async def put(self, record: Record) -> None:
        """Remember a step; the layer has to be in the lease already."""
        now = time.time_ns()
        made = evolve(record, made_ns=record.made_ns or now, used_ns=now)
        row = (
            made.key,
            made.kind,
            made.description,
            json.dumps([made.layer.digest, made.layer.size, made.layer.diff_id]) if made.layer is not None else "",
            made.created,
            made.made_ns,
            made.used_ns,
            made.uses,
        )
        sentence = f"INSERT OR REPLACE INTO build_steps ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        await self._database.write(lambda connection: connection.execute(sentence, row))

    async def list(self) -> list[Record]:
        """All, the one that was used longest ago first."""
        query = f"SELECT {_COLUMNS} FROM build_steps ORDER BY used_ns, key"  # noqa: S608
        rows = await self._database.read(lambda connection: connection.execute(query).fetchall())
        return [_record(row) for row in rows]

    async def forget(self, keys: Collection[str]) -> None:
        """These records; what they have kept goes with the lease."""
        rows = [(key,) for key in keys]
        await self._database.write(
            lambda connection: connection.executemany("DELETE FROM build_steps WHERE key = ?", rows)
        )

    def mount_directory(self, key: str) -> Path:
        """Where the files of a cache mount are."""
        return self.directory / "mounts" / key


async def keep(supervisor: Supervisor, layer: Layer) -> None:
    """Let the layer outlive the build that has made it. Raises ContentNotFound, StoreFailed."""
    with contextlib.suppress(LeaseExists):
        await supervisor.leases.create(LEASE, labels={"pydockerd/build": "cache"})
    await supervisor.leases.add(LEASE, LeaseResource.content(layer.digest))


async def release(supervisor: Supervisor, digests: Collection[str]) -> None:
    """Let go of layers; what images do not have is deleted."""
    if digests:
        await supervisor.leases.release(LEASE, *(LeaseResource.content(digest) for digest in digests))


async def clear_left(supervisor: Supervisor, found: BuildCache) -> None:
    """Remove what builds of a killed daemon have left: their containers, what those were made from, and what was mounted into them."""
    left = namespace(supervisor)
    for container in left.containers.list():
        await container.remove(force=True)
    for image in left.images.list():
        if image.blobs:
            await left.images.remove(image.id, force=True)
    await asyncio.to_thread(clear_views, supervisor.snapshots)
    for directory in (found.directory / "work", found.runtime):
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(tree.remove, directory)


def namespace(supervisor: Supervisor) -> Namespace:
    """That of builds."""
    return supervisor.namespace(NAMESPACE)


_COLUMNS: Final = "key, kind, description, layer, created, made_ns, used_ns, uses"


def _record(row: tuple[str, str, str, str, str, int, int, int]) -> Record:
    key, kind, description, layer, created, made_ns, used_ns, uses = row
    digest, size, diff_id = json.loads(layer) if layer else ("", 0, "")
    return Record(
        key=key,
        kind=kind,
        description=description,
        layer=Layer(digest=digest, size=size, diff_id=diff_id) if layer else None,
        created=created,
        made_ns=made_ns,
        used_ns=used_ns,
        uses=uses,
    )
