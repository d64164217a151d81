"""Moments in query parameters: seconds since the epoch with up to nine decimals, or RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pydockerd.errors import BadRequest

_SECONDS = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]{1,9}))?")


def moment_ns(name: str, text: str) -> int | None:
    """Nanoseconds since the epoch; None when nothing is said. Raises BadRequest naming the parameter."""
    if not text:
        return None
    seconds = _SECONDS.fullmatch(text)
    if seconds is not None:
        return int(seconds[1]) * 10**9 + int((seconds[2] or "").ljust(9, "0"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"invalid value for {name}: expected seconds since the epoch or an RFC 3339 time, got {text!r}"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
