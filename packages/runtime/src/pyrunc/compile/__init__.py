"""Policy: from a Spec and the Facts of the host to a Plan, by pure functions: no system call, no clock, no environment.

One file a concern; ``container.py`` puts them in order.
"""

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
    SlotRequest,
)
from pyrunc.compile.container import compile  # noqa: A004 - see there
from pyrunc.compile.execute import compile_exec, namespace_kinds
from pyrunc.compile.request import Assemble
from pyrunc.compile.root_mount import RootMount

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
    "SlotRequest",
    "compile",
    "compile_exec",
    "namespace_kinds",
]
