"""``root`` (config.md, Root): where the container's root file system is."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import BOOLEAN, STRING
from pyrunc.spec.section import Section


@frozen(kw_only=True, eq=False, repr=False)
class Root(Section):
    """``path`` is absolute or relative to the bundle, and is a directory, not a symbolic link."""

    path: str = field(metadata=STRING)
    readonly: bool = field(default=False, metadata=BOOLEAN)
