"""Sizes and durations as docker prints them (github.com/docker/go-units)."""

from __future__ import annotations

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_MINUTE, _HOUR, _YEAR = 60, 3600, 365 * 86400


def decimal_size(size: float, digits: int = 4) -> str:
    """``1.23MB``: powers of 1000, so many significant digits (4 for totals, 3 for images and containers)."""
    return _size(size, 1000.0, _DECIMAL, digits)


def binary_size(size: float) -> str:
    """``1.5GiB``: powers of 1024, four significant digits."""
    return _size(size, 1024.0, _BINARY, 4)


def _size(size: float, base: float, units: tuple[str, ...], digits: int) -> str:
    power = 0
    while size >= base and power < len(units) - 1:
        size /= base
        power += 1
    return f"{size:.{digits}g}{units[power]}"


def duration(seconds: float) -> str:
    """``2 hours``, ``About a minute``: as people say it (HumanDuration)."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < _MINUTE:
        return f"{whole} seconds"
    if whole // _MINUTE == 1:
        return "About a minute"
    if whole < _HOUR:
        return f"{whole // _MINUTE} minutes"
    return _long(seconds)


def _long(seconds: float) -> str:
    hours = int(seconds / _HOUR + 0.5)  # Go's HumanDuration rounds from here on
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{int(seconds / _YEAR)} years"


def shorten(text: str, width: int) -> str:
    """At most ``width`` columns, the last one an ellipsis when something is missing (docker's formatter.Ellipsis)."""
    return text if len(text) <= width else text[: width - 1] + "…"


def short_id(id: str) -> str:
    """The first twelve digits, without the algorithm of a digest."""
    return id.partition(":")[2][:12] if ":" in id else id[:12]
