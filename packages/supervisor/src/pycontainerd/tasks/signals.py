"""Signals by the names that users give them."""

from __future__ import annotations

import signal

from pycontainerd.errors import InvalidConfig

SIGKILL = int(signal.SIGKILL)
SIGTERM = int(signal.SIGTERM)


def parse(value: int | str) -> int:
    """The number of ``9``, ``"9"``, ``"KILL"`` or ``"SIGKILL"`` (``RTMIN+3`` too). InvalidConfig for what is none."""
    text = str(value).strip().upper().removeprefix("SIG")
    if text.isascii() and text.isdigit():
        if 0 < int(text) <= signal.SIGRTMAX:
            return int(text)
        raise InvalidConfig("signal", f"Invalid signal: {value}")
    name, _, offset = text.replace("-", "+-").partition("+")
    try:
        number = int(signal.Signals[f"SIG{name}"]) + int(offset or 0)
    except (KeyError, ValueError):
        raise InvalidConfig("signal", f"Invalid signal: {value}") from None
    if not 0 < number <= signal.SIGRTMAX:
        raise InvalidConfig("signal", f"Invalid signal: {value}")
    return number
