"""What there is to compare, and what comes of it."""

from __future__ import annotations

from enum import IntEnum

from attrs import frozen


class ChangeKind(IntEnum):
    """The numbers are the Engine API's (ContainerChanges)."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@frozen
class Change:
    """``path`` begins with ``/``, and is below the root of what was compared."""

    path: str
    kind: ChangeKind


@frozen(kw_only=True)
class Difference:
    """Two file systems: ``upper``, a directory, and what is below it, ``lowers``, nearest first (none: everything is new).

    With ``marked`` the upper directory has only what differs, with overlayfs' marks for what is gone, and so have the lower ones among each
    other; without, ``upper`` and the one of ``lowers`` are whole trees. ``hidden`` are paths (``a/b``) that are no part of either.

    ``between`` are layers that belong to the upper side and lie below it, nearest first. They cannot be walked: mount the two sides, and
    compare them as whole trees (`pycontainerd.tasks.difference`).
    """

    upper: str
    between: tuple[str, ...] = ()
    lowers: tuple[str, ...] = ()
    marked: bool = True
    hidden: frozenset[bytes] = frozenset()
