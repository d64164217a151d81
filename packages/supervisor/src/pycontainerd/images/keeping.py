"""What an unfinished pull has brought in is kept for a day, by a lease: whoever pulls the same again finds it there."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pycontainerd.errors import ContentNotFound, LeaseExists, LeaseNotFound, RegistryUnavailable, SnapshotNotFound
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.leases.resource import LeaseResource

_FOR = timedelta(days=1)


class Keeping:
    """Of one reference; pulls of it at the same time share one."""

    def __init__(self, leases: LeaseManager, reference: str) -> None:
        self._leases = leases
        self._id = f"pull-{hashlib.sha256(reference.encode()).hexdigest()[:32]}"
        self._reference = reference
        self._begun = False

    async def add(self, resource: LeaseResource) -> None:
        """Keep this too. StoreFailed."""
        if not self._begun:
            self._begun = True
            try:
                await self._leases.create(self._id, labels={"pycontainerd/pull": self._reference}, expires_in=_FOR)
            except LeaseExists:  # of one that did not come to its end
                with contextlib.suppress(LeaseNotFound):
                    await self._leases.extend(self._id, _FOR)
        # another pull of the same may have come to its end meanwhile, and so to that of the lease
        with contextlib.suppress(LeaseNotFound, ContentNotFound, SnapshotNotFound):
            await self._leases.add(self._id, resource)

    async def end(self) -> None:
        """The image keeps it from now on, or nobody has to."""
        with contextlib.suppress(LeaseNotFound):
            await self._leases.delete(self._id)


@asynccontextmanager
async def keeping(leases: LeaseManager, reference: str) -> AsyncIterator[Keeping]:
    """Keep what is added if the registry goes away, the caller is cancelled or the process killed; not on any other end."""
    kept = Keeping(leases, reference)
    try:
        yield kept
    except RegistryUnavailable:
        raise
    except Exception:
        await kept.end()
        raise
    await kept.end()
