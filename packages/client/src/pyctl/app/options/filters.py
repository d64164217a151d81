"""``--filter name=value``, which may be given several times; the same name twice means one or the other."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from pyctl.errors import InvalidValue


@attrs.frozen
class Filter:
    """One of them."""

    name: str
    value: str


def filter_(text: str) -> Filter:
    """Read one. Raises `InvalidValue`."""
    name, found, value = text.partition("=")
    if not found:
        raise InvalidValue("bad format of filter (expected name=value)")
    return Filter(name.strip().lower(), value.strip())


def collected(filters: Iterable[Filter]) -> dict[str, list[str]]:
    """All of them, as the API wants them."""
    result: dict[str, list[str]] = {}
    for given in filters:
        result.setdefault(given.name, []).append(given.value)
    return result
