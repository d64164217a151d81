"""Policy: from a Spec and the Facts of the host to a Plan, by pure functions: no system call, no clock, no environment.

One file a concern; ``container.py`` puts them in order.
"""

from __future__ import annotations

from pyrunc.compile.compiled import (
    CgroupDirectory,
    CgroupProcs,
    Compiled,
    ContainerProcess,
    Gate,
    IdmapNamespace,
    MountSource,
    NamespacePath,
    RdtGroup,
    Report,
    RootTree,
    SlotRequest,
)
from pyrunc.compile.container import compile  # noqa: A004 - see there
from pyrunc.compile.request import Assemble
from pyrunc.compile.root_mount import RootMount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.compile.execute import compile_exec, namespace_kinds

__all__ = [
    "Assemble",
    "CgroupDirectory",
    "CgroupProcs",
    "Compiled",
    "ContainerProcess",
    "Gate",
    "IdmapNamespace",
    "MountSource",
    "NamespacePath",
    "RdtGroup",
    "Report",
    "RootMount",
    "RootTree",
    "SlotRequest",
    "compile",
    "compile_exec",
    "namespace_kinds",
]


def __getattr__(name: str) -> object:
    """What an exec needs is imported for one, and not for every container."""
    if name in ("compile_exec", "namespace_kinds"):
        from pyrunc.compile import execute

        return getattr(execute, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
