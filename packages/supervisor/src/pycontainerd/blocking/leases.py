"""Leases that are kept."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta

from pycontainerd.blocking.loop import LoopThread
from pycontainerd.leases import Lease, manager
from pycontainerd.leases.info import LeaseInfo
from pycontainerd.leases.resource import LeaseResource


class LeaseManager:
    """Get it from ``Supervisor.leases``; see `pycontainerd.LeaseManager`."""

    def __init__(self, loop: LoopThread, leases: manager.LeaseManager) -> None:
        self._loop, self._leases = loop, leases

    def lease(self) -> AbstractContextManager[Lease]:
        """A working lease, in memory, which ends with its context."""
        return self._leases.lease()

    def create(
        self, id: str | None = None, *, labels: Mapping[str, str] | None = None, expires_in: timedelta | None = None
    ) -> LeaseInfo:
        """A new lease, which holds nothing yet. Raises LeaseExists, InvalidName, InvalidConfig, StoreFailed."""
        return self._loop.call(self._leases.create(id, labels=labels, expires_in=expires_in))

    def get(self, id: str) -> LeaseInfo:
        """Raises LeaseNotFound, also for one that has expired."""
        return self._loop.call(self._leases.get(id))

    def list(self) -> builtins.list[LeaseInfo]:
        """All that have not expired, oldest first."""
        return self._loop.call(self._leases.list())

    def resources(self, id: str) -> builtins.list[LeaseResource]:
        """What a lease holds. Raises LeaseNotFound."""
        return self._loop.call(self._leases.resources(id))

    def add(self, id: str, *resources: LeaseResource) -> None:
        """Let the lease hold these too; all or none. Raises LeaseNotFound, ContentNotFound, SnapshotNotFound, StoreFailed."""
        self._loop.call(self._leases.add(id, *resources))

    def release(self, id: str, *resources: LeaseResource) -> None:
        """Let the lease hold these no longer. Raises LeaseNotFound, StoreFailed."""
        self._loop.call(self._leases.release(id, *resources))

    def extend(self, id: str, expires_in: timedelta | None) -> LeaseInfo:
        """Let it expire ``expires_in`` from now, None: never. Raises LeaseNotFound, InvalidConfig, StoreFailed."""
        return self._loop.call(self._leases.extend(id, expires_in))

    def delete(self, id: str) -> None:
        """Forget it; what nothing else keeps is gone when this returns. Raises LeaseNotFound, StoreFailed."""
        self._loop.call(self._leases.delete(id))
