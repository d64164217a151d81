"""The OCI runtime-spec as attrs classes: ``Spec.load`` checks a config.json and names what is wrong in it.

Rare sections are imported when a document has them, or when they are asked for here.
"""

from __future__ import annotations

from pyrunc.spec.config import Spec
from pyrunc.spec.linux import Device, Linux, Namespace
from pyrunc.spec.mounts import IdMapping, Mount
from pyrunc.spec.process import Capabilities, ConsoleSize, Process, Rlimit, User
from pyrunc.spec.resources import Cpu, DeviceRule, Memory, Pids, Resources
from pyrunc.spec.root import Root
from pyrunc.spec.section import Section
from pyrunc.version import OCI_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec.blockio import BlockIo, ThrottleDevice, WeightDevice
    from pyrunc.spec.hooks import Hook, Hooks
    from pyrunc.spec.hugepages import HugepageLimit
    from pyrunc.spec.intelrdt import IntelRdt
    from pyrunc.spec.memorypolicy import MemoryPolicy
    from pyrunc.spec.netdevice import NetDevice
    from pyrunc.spec.network import InterfacePriority, Network
    from pyrunc.spec.personality import Personality
    from pyrunc.spec.rdma import Rdma
    from pyrunc.spec.scheduling import ExecCpuAffinity, IoPriority, Scheduler
    from pyrunc.spec.seccomp import Argument, Seccomp, Syscall
    from pyrunc.spec.timeoffsets import TimeOffset, TimeOffsets

_RARE = {
    "BlockIo": "blockio",
    "ThrottleDevice": "blockio",
    "WeightDevice": "blockio",
    "Hook": "hooks",
    "Hooks": "hooks",
    "HugepageLimit": "hugepages",
    "IntelRdt": "intelrdt",
    "MemoryPolicy": "memorypolicy",
    "NetDevice": "netdevice",
    "InterfacePriority": "network",
    "Network": "network",
    "Personality": "personality",
    "Rdma": "rdma",
    "ExecCpuAffinity": "scheduling",
    "IoPriority": "scheduling",
    "Scheduler": "scheduling",
    "Argument": "seccomp",
    "Seccomp": "seccomp",
    "Syscall": "seccomp",
    "TimeOffset": "timeoffsets",
    "TimeOffsets": "timeoffsets",
}

__all__ = [
    "OCI_VERSION",
    "Argument",
    "BlockIo",
    "Capabilities",
    "ConsoleSize",
    "Cpu",
    "Device",
    "DeviceRule",
    "ExecCpuAffinity",
    "Hook",
    "Hooks",
    "HugepageLimit",
    "IdMapping",
    "IntelRdt",
    "InterfacePriority",
    "IoPriority",
    "Linux",
    "Memory",
    "MemoryPolicy",
    "Mount",
    "Namespace",
    "NetDevice",
    "Network",
    "Personality",
    "Pids",
    "Process",
    "Rdma",
    "Resources",
    "Rlimit",
    "Root",
    "Scheduler",
    "Seccomp",
    "Section",
    "Spec",
    "Syscall",
    "ThrottleDevice",
    "TimeOffset",
    "TimeOffsets",
    "User",
    "WeightDevice",
]


def __getattr__(name: str) -> object:
    if name in _RARE:
        return getattr(__import__(f"pyrunc.spec.{_RARE[name]}", fromlist=[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
