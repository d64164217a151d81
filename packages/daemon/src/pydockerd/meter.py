"""What is measured while requests are served. A daemon without ``--metrics-addr`` measures nothing, and imports no library for it."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Told of every request that was answered."""

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """``path`` is the operation's in the API's document, with its braces."""


class Unmeasured:
    """Measures nothing."""

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Nothing."""
