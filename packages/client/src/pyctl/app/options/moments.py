"""``--since`` and ``--until``: a time, seconds since 1970, or how long ago."""

from __future__ import annotations

import re
from datetime import datetime

from pyctl.errors import InvalidUsage, InvalidValue

_SECONDS = re.compile(r"-?\d+(?:\.\d{1,9})?")
_DURATION = re.compile(r"(?P<sign>[+-]?)(?P<parts>(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)")
_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(
    r"(?P<head>\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d)?)?)?)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)?"
)


def moment(text: str, now: float) -> str:
    """Seconds since 1970 as the API takes them. A time without a zone is local. Raises `InvalidValue`.

    Source: moby's timetypes.GetTimestamp.
    """
    ago = duration(text)
    if ago is not None and text != "0":
        return str(int(now - ago))
    if (found := _TIME.fullmatch(text)) is not None:
        return _of_time(found)
    if _SECONDS.fullmatch(text) is None:
        raise InvalidValue(f'failed to parse value as time or duration: "{text}"')
    return text


def duration(text: str) -> float | None:
    """Seconds of ``1h30m``, as Go writes durations; None for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return 0.0 if text == "0" else None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(found["parts"]))
    return -seconds if found["sign"] == "-" else seconds


def _of_time(found: re.Match[str]) -> str:
    try:
        time = datetime.fromisoformat(found["head"])
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{found['zone']}").tzinfo if found["zone"] else None
    except ValueError as error:
        raise InvalidValue(f'failed to parse value as time or duration: "{found[0]}": {error}') from None
    aware = time.replace(tzinfo=zone) if zone else time.astimezone()
    return f"{int(aware.timestamp())}.{(found['fraction'] or '').ljust(9, '0')}"


def flag_moment(flag: str, text: str | None, now: float) -> str | None:
    """The value of ``--since`` or ``--until`` for the API; None when it was not given. Raises `InvalidUsage`."""
    if text is None:
        return None
    try:
        return moment(text, now)
    except InvalidValue as error:
        raise InvalidUsage(f'invalid value for "{flag}": {error}') from error
