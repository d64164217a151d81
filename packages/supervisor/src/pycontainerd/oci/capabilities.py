"""Which capabilities a container's process has, as docker decides it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from pycontainerd.errors import InvalidConfig
from pyrunc.capabilities import NAMES, names_of

DEFAULT = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)
"""docker's default set."""


def available() -> tuple[str, ...]:
    """What the supervisor itself may use (capabilities(7), the permitted set)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return names_of(int(next(line for line in status.splitlines() if line.startswith("CapPrm:")).split()[1], 16))


def effective(
    *, add: Iterable[str], drop: Iterable[str], privileged: bool, available: Collection[str]
) -> tuple[str, ...]:
    """The capabilities to give, in a stable order. ``ALL`` in ``add`` or ``drop`` is all of them; ``drop`` comes before ``add``.

    What is not ``available`` to the supervisor itself is left out: nobody can give what he has not. InvalidConfig names a word that
    is no capability.
    """
    added, dropped = _normalise("cap_add", add), _normalise("cap_drop", drop)
    everything = set(available)
    if privileged:
        return tuple(sorted(everything))
    base = set() if "ALL" in dropped else everything if "ALL" in added else set(DEFAULT)
    wanted = (base - (dropped - {"ALL"})) | (added - {"ALL"})
    return tuple(sorted(wanted & everything))


def _normalise(field: str, names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        word = name.upper()
        if word != "ALL":
            word = word if word.startswith("CAP_") else f"CAP_{word}"
            if word not in NAMES:
                raise InvalidConfig(field, f"unknown capability: {name!r}")
        found.add(word)
    return found
