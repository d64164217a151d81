"""``hooks`` (config.md, POSIX-platform Hooks): programs run at six points of a container's life."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, STRINGS, integer, of
from pyrunc.spec.section import Section, sections


@frozen(kw_only=True, eq=False, repr=False)
class Hook(Section):
    """A program: ``path`` is absolute, ``args`` include its name, ``timeout`` is in seconds."""

    path: str = field(metadata=STRING)
    args: tuple[str, ...] = field(default=(), metadata=STRINGS)
    env: tuple[str, ...] = field(default=(), metadata=STRINGS)
    timeout: int | None = field(default=None, metadata=of(integer(1, 2**31 - 1)))


@frozen(kw_only=True, eq=False, repr=False)
class Hooks(Section):
    """The six points, in the order in which they come. ``prestart`` is deprecated and runs right before ``create_runtime``."""

    prestart: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
    create_runtime: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
    create_container: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
    start_container: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
    poststart: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
    poststop: tuple[Hook, ...] = field(default=(), metadata=sections(Hook))
