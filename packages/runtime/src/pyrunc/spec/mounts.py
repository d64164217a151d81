"""Mounts of config.json: ``mounts[]`` and the id mappings they share with ``linux``."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, STRINGS, UINT32, named
from pyrunc.spec.section import Section, sections


@frozen(kw_only=True, eq=False, repr=False)
class IdMapping(Section):
    """``size`` ids: ``container_id`` inside and the following are ``host_id`` outside and the following (user_namespaces(7))."""

    container_id: int = field(metadata=named("containerID", UINT32))
    host_id: int = field(metadata=named("hostID", UINT32))
    size: int = field(metadata=UINT32)


@frozen(kw_only=True, eq=False, repr=False)
class Mount(Section):
    """``mounts[]`` (config.md, Mounts). A relative ``destination`` is below ``/``; a relative bind ``source`` below the bundle."""

    destination: str = field(metadata=STRING)
    type: str = field(default="", metadata=STRING)
    source: str = field(default="", metadata=STRING)
    options: tuple[str, ...] = field(default=(), metadata=STRINGS)
    uid_mappings: tuple[IdMapping, ...] = field(default=(), metadata=sections(IdMapping))
    gid_mappings: tuple[IdMapping, ...] = field(default=(), metadata=sections(IdMapping))

    @property
    def is_bind(self) -> bool:
        """A bind mount, by its type or, as mount(8) allows, by its options."""
        return self.type == "bind" or "bind" in self.options or "rbind" in self.options
