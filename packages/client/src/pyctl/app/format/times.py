"""Times as Go prints them."""

from __future__ import annotations

from datetime import datetime


def go_time(seconds: int) -> str:
    """``2006-01-02 15:04:05 -0700 MST`` in local time (Go's Time.String)."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %z %Z")


def rfc3339_nano(nanoseconds: int) -> str:
    """Local time with nine decimals, as events are printed."""
    seconds, rest = divmod(nanoseconds, 10**9)
    moment = datetime.fromtimestamp(seconds).astimezone()
    zone = moment.strftime("%z")
    shown = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}{shown}"
