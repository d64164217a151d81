"""Policy: from a Spec and the Facts of the host to a Plan, by pure functions: no system call, no clock, no environment."""

from pyrunc.compile.compiled import (
    CgroupDirectory,
    CgroupProcs,
    Compiled,
    ContainerProcess,
    Gate,
    IdmapNamespace,
    NamespacePath,
    Report,
    SlotRequest,
)

__all__ = [
    "CgroupDirectory",
    "CgroupProcs",
    "Compiled",
    "ContainerProcess",
    "Gate",
    "IdmapNamespace",
    "NamespacePath",
    "Report",
    "SlotRequest",
]
