"""Leases that are kept: created, added to, deleted or expired by whoever builds something on the stores below the images."""

from __future__ import annotations

import builtins
import re
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from attrs import evolve

from pycontainerd.errors import ContentNotFound, InvalidConfig, InvalidName, SnapshotNotFound
from pycontainerd.leases import table
from pycontainerd.leases.info import LeaseInfo
from pycontainerd.leases.resource import LeaseResource, ResourceKind
from pycontainerd.leases.working import Lease, Leases
from pycontainerd.metadata.database import Database
from pycontainerd.worker import Worker

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,75}")


class LeaseManager:
    """Get it from ``Supervisor.leases``.

    A lease keeps blobs and snapshots, and the snapshots that those are made from, whatever becomes of images and containers. The life of one::

        kept = await supervisor.leases.create(expires_in=timedelta(hours=1))
        await supervisor.leases.add(kept.id, LeaseResource.content(digest))
        ...
        await supervisor.leases.delete(kept.id)

    What only the lease has kept is collected when it is deleted, when what it held is taken out of it, and within a second of its expiry (or
    when the next supervisor opens). Leases are in the metadata: they outlive the process, and belong to a namespace like everything else.

    Content that is not in the store yet cannot be added. Ingest it under a working lease (``lease()``), and add it before that ends.
    """

    def __init__(
        self,
        namespace: str,
        database: Database,
        working: Leases,
        worker: Worker,
        has: Callable[[LeaseResource], bool],
        collect: Callable[[], Awaitable[object]],
        changed: Callable[[], None],
    ) -> None:
        self._namespace, self._database, self._working = namespace, database, working
        self._worker, self._has, self._collect, self._changed = worker, has, collect, changed

    def lease(self) -> AbstractContextManager[Lease]:
        """A working lease, in memory, which ends with its context: what ``content.ingest`` asks for. From any thread."""
        return self._working.lease()

    async def create(
        self, id: str | None = None, *, labels: Mapping[str, str] | None = None, expires_in: timedelta | None = None
    ) -> LeaseInfo:
        """A new lease, which holds nothing yet. ``id`` is made up if None. Raises LeaseExists, InvalidName, InvalidConfig, StoreFailed."""
        if id is not None and not _ID.fullmatch(id):
            raise InvalidName(f"Invalid lease id ({id}), only {_ID.pattern} is allowed")
        now = datetime.now(UTC)
        made = LeaseInfo(
            id=id or secrets.token_hex(16),
            created_at=now,
            labels=dict(labels or {}),
            expires_at=_after(now, expires_in),
        )
        await self._database.write(lambda connection: table.insert(connection, self._namespace, made, time.time_ns()))
        self._changed()
        return made

    async def get(self, id: str) -> LeaseInfo:
        """Raises LeaseNotFound, also for one that has expired."""
        return await self._database.read(lambda connection: table.find(connection, self._namespace, id, time.time_ns()))

    async def list(self) -> builtins.list[LeaseInfo]:
        """All that have not expired, oldest first."""
        return await self._database.read(lambda connection: table.load(connection, self._namespace, time.time_ns()))

    async def resources(self, id: str) -> builtins.list[LeaseResource]:
        """What a lease holds. Raises LeaseNotFound."""
        await self.get(id)
        return await self._database.read(lambda connection: table.resources(connection, self._namespace, id))

    async def add(self, id: str, *resources: LeaseResource) -> None:
        """Let the lease hold these too; all or none. Raises LeaseNotFound, ContentNotFound, SnapshotNotFound, StoreFailed."""
        await self._worker.run(self._add, id, resources)

    async def release(self, id: str, *resources: LeaseResource) -> None:
        """Let the lease hold these no longer; what it does not hold is no failure. Raises LeaseNotFound, StoreFailed."""

        def change(connection: sqlite3.Connection) -> None:
            table.find(connection, self._namespace, id, time.time_ns())
            table.remove(connection, self._namespace, id, resources)

        await self._database.write(change)
        await self._collect()

    async def extend(self, id: str, expires_in: timedelta | None) -> LeaseInfo:
        """Let it expire ``expires_in`` from now, None: never. Raises LeaseNotFound, InvalidConfig, StoreFailed."""
        expires = _after(datetime.now(UTC), expires_in)

        def change(connection: sqlite3.Connection) -> LeaseInfo:
            found = table.find(connection, self._namespace, id, time.time_ns())
            table.expire_at(connection, self._namespace, id, expires)
            return evolve(found, expires_at=expires)

        extended = await self._database.write(change)
        self._changed()
        return extended

    async def delete(self, id: str) -> None:
        """Forget it; what nothing else keeps is gone when this returns. Raises LeaseNotFound, StoreFailed."""

        def change(connection: sqlite3.Connection) -> None:
            table.find(connection, self._namespace, id, time.time_ns())
            table.delete(connection, self._namespace, id)

        await self._database.write(change)
        await self._collect()

    def _add(self, id: str, resources: Sequence[LeaseResource]) -> None:
        with self._working.lease() as lease:
            lease.hold(
                *(each.name for each in resources)
            )  # first: what is there now cannot go before it is written down
            for each in resources:
                if not self._has(each):
                    raise (
                        ContentNotFound(each.name) if each.kind is ResourceKind.CONTENT else SnapshotNotFound(each.name)
                    )

            def change(connection: sqlite3.Connection) -> None:
                table.find(connection, self._namespace, id, time.time_ns())
                table.add(connection, self._namespace, id, resources)

            self._database.write_now(change)


def _after(now: datetime, expires_in: timedelta | None) -> datetime | None:
    """InvalidConfig for what is no time to come."""
    if expires_in is None:
        return None
    if expires_in <= timedelta(0):
        raise InvalidConfig("expires_in", f"expected a time to come, got {expires_in}")
    try:
        return now + expires_in
    except OverflowError:
        raise InvalidConfig("expires_in", f"{expires_in} from now is no date; None is for ever") from None
