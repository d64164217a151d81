"""``linux.resources.network``: classes and priorities of packets (net_cls, net_prio; cgroup v1)."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, UINT32, named
from pyrunc.spec.section import Section, sections


@frozen(kw_only=True, eq=False, repr=False)
class InterfacePriority(Section):
    """The priority of what leaves by interface ``name``."""

    name: str = field(metadata=STRING)
    priority: int = field(metadata=UINT32)


@frozen(kw_only=True, eq=False, repr=False)
class Network(Section):
    """``class_id`` is a tc handle."""

    class_id: int | None = field(default=None, metadata=named("classID", UINT32))
    priorities: tuple[InterfacePriority, ...] = field(default=(), metadata=sections(InterfacePriority))
