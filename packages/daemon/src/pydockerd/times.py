"""Moments in query parameters: seconds since the epoch with up to nine decimals, RFC 3339, or how long ago (``1h30m``)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from pydockerd.errors import BadRequest

_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|m|s|ms|us|µs|ns))+")
_PART = re.compile(r"([0-9.]+)([a-zµ]+)")
_NANOSECONDS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_SECONDS = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]{1,9}))?")


def moment_ns(name: str, text: str) -> int | None:
    """Nanoseconds since the epoch; None when nothing is said. Raises BadRequest naming the parameter."""
    if not text:
        return None
    seconds = _SECONDS.fullmatch(text)
    if seconds is not None:
        return int(seconds[1]) * 10**9 + int((seconds[2] or "").ljust(9, "0"))
    if _DURATION.fullmatch(text):
        return time.time_ns() - sum(int(float(part[1]) * _NANOSECONDS[part[2]]) for part in _PART.finditer(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"invalid value for {name}: expected seconds since the epoch, an RFC 3339 time or a duration, got {text!r}"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
