"""A kept lease, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen


@frozen(kw_only=True)
class LeaseInfo:
    """``expires_at`` is None for a lease that is kept until somebody deletes it. Times are UTC."""

    id: str
    created_at: datetime
    expires_at: datetime | None = None
    labels: Mapping[str, str] = field(factory=dict)
