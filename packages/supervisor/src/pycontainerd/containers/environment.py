"""Environment variables as docker writes them: ``KEY=value`` in order, later ones winning."""

from __future__ import annotations

from collections.abc import Iterable


def merge(base: Iterable[str], over: Iterable[str]) -> tuple[str, ...]:
    """``KEY=value`` entries of ``base`` with those of ``over`` put in their places or behind; a bare ``KEY`` removes it."""
    variables: dict[str, str] = {}
    for entry in (*base, *over):
        key, assigned, _ = entry.partition("=")
        if assigned:
            variables[key] = entry
        else:
            variables.pop(key, None)
    return tuple(variables.values())
