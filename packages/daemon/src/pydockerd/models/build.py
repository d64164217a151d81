"""The cache of builds as the API shows it."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class BuildCacheRecord:
    """One record. Source: definition BuildCache."""

    id: str = wire("ID")
    type: str
    description: str
    in_use: bool
    shared: bool
    size: int
    created_at: datetime
    last_used_at: datetime
    usage_count: int


@frozen(kw_only=True)
class BuildsPruned:
    """Answer of BuildPrune."""

    caches_deleted: tuple[str, ...] | None
    space_reclaimed: int
