"""Versions: of this package, and of the Engine API that it speaks."""

from __future__ import annotations

__version__ = "0.1.0"

NEWEST_API = "1.56"
"""The newest Engine API version that this client knows; the daemon's own newest wins when it is older."""

OLDEST_API = "1.24"
"""The oldest Engine API version that this client can talk to (the daemon side keeps the same floor)."""


def api_tuple(version: str) -> tuple[int, int]:
    """Turn ``"1.41"`` into ``(1, 41)``, for comparing; raises `ValueError` when it is no such version."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def negotiate(daemon_api: str) -> str:
    """Choose the version to speak: the older of ours and the daemon's.

    A daemon that announces nothing (an empty string) is so old that it gets the floor, as the docker CLI does.
    Raises `ValueError` when the daemon's newest is below `OLDEST_API`.
    """
    if not daemon_api:
        return OLDEST_API
    if api_tuple(daemon_api) < api_tuple(OLDEST_API):
        raise ValueError(daemon_api)
    return min(daemon_api, NEWEST_API, key=api_tuple)
