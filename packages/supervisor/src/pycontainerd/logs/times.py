"""Times as logs have them in text: RFC 3339 in UTC with nine digits of nanoseconds."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def format_time(time_ns: int) -> str:
    """RFC 3339 in UTC with nine digits of nanoseconds."""
    seconds, nanos = divmod(time_ns, 10**9)
    return f"{_whole(seconds)}.{nanos:09d}Z"


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 time. ValueError when it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    whole, fraction, zone = match.groups()
    return _seconds(whole + ("+00:00" if zone == "Z" else zone)) * 10**9 + int((fraction or "0").ljust(9, "0"))


# Lines that follow each other mostly have the same second.
@lru_cache(16)
def _whole(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(16)
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())
