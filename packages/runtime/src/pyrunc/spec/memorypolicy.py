"""``linux.memoryPolicy``: on which NUMA nodes memory is allocated (set_mempolicy(2))."""

from __future__ import annotations

from typing import Literal

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, each, of, one_of
from pyrunc.spec.section import Section

Mode = Literal[
    "MPOL_DEFAULT",
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_PREFERRED",
    "MPOL_PREFERRED_MANY",
    "MPOL_LOCAL",
]
ModeFlag = Literal["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]


@frozen(kw_only=True, eq=False, repr=False)
class MemoryPolicy(Section):
    """``nodes`` is a list such as ``0-1,3``."""

    mode: Mode = field(metadata=of(one_of(*Mode.__args__)))  # type: ignore[attr-defined]
    nodes: str = field(default="", metadata=STRING)
    flags: tuple[ModeFlag, ...] = field(default=(), metadata=of(each(one_of(*ModeFlag.__args__))))  # type: ignore[attr-defined]
