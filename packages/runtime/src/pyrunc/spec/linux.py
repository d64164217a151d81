"""``linux`` (config-linux.md): namespaces, devices, limits and confinement."""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.model import field, frozen
from pyrunc.spec.mounts import IdMapping
from pyrunc.spec.read import INT64, STRING, STRING_MAP, STRINGS, UINT32, of, one_of
from pyrunc.spec.resources import Resources
from pyrunc.spec.section import Section, lazy, lazy_map, section, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from pyrunc.spec.intelrdt import IntelRdt
    from pyrunc.spec.memorypolicy import MemoryPolicy
    from pyrunc.spec.netdevice import NetDevice
    from pyrunc.spec.personality import Personality
    from pyrunc.spec.seccomp import Seccomp
    from pyrunc.spec.timeoffsets import TimeOffsets

    NamespaceType = Literal["mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time"]
    Propagation = Literal[
        "", "private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable"
    ]

NAMESPACE_TYPES = ("mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time")
_PROPAGATIONS = ("", "private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable")


@frozen(kw_only=True, eq=False, repr=False)
class Namespace(Section):
    """A namespace of its own, or, with ``path``, one that exists already."""

    type: NamespaceType = field(metadata=of(one_of(*NAMESPACE_TYPES)))
    path: str = field(default="", metadata=STRING)


@frozen(kw_only=True, eq=False, repr=False)
class Device(Section):
    """A node below the container's root: ``type`` c, u (both character), b (block) or p (fifo)."""

    type: Literal["c", "b", "u", "p"] = field(metadata=of(one_of("c", "b", "u", "p")))
    path: str = field(metadata=STRING)
    major: int = field(default=0, metadata=INT64)
    minor: int = field(default=0, metadata=INT64)
    file_mode: int | None = field(default=None, metadata=UINT32)
    uid: int | None = field(default=None, metadata=UINT32)
    gid: int | None = field(default=None, metadata=UINT32)


@frozen(kw_only=True, eq=False, repr=False)
class Linux(Section):
    """What makes the process a container on Linux."""

    namespaces: tuple[Namespace, ...] = field(default=(), metadata=sections(Namespace))
    uid_mappings: tuple[IdMapping, ...] = field(default=(), metadata=sections(IdMapping))
    gid_mappings: tuple[IdMapping, ...] = field(default=(), metadata=sections(IdMapping))
    time_offsets: TimeOffsets | None = field(default=None, metadata=lazy("timeoffsets", "TimeOffsets"))
    devices: tuple[Device, ...] = field(default=(), metadata=sections(Device))
    net_devices: Mapping[str, NetDevice] = field(factory=dict, metadata=lazy_map("netdevice", "NetDevice"))
    cgroups_path: str = field(default="", metadata=STRING)
    resources: Resources | None = field(default=None, metadata=section(Resources))
    intel_rdt: IntelRdt | None = field(default=None, metadata=lazy("intelrdt", "IntelRdt"))
    memory_policy: MemoryPolicy | None = field(default=None, metadata=lazy("memorypolicy", "MemoryPolicy"))
    sysctl: Mapping[str, str] = field(factory=dict, metadata=STRING_MAP)
    seccomp: Seccomp | None = field(default=None, metadata=lazy("seccomp", "Seccomp"))
    rootfs_propagation: Propagation = field(default="", metadata=of(one_of(*_PROPAGATIONS)))
    masked_paths: tuple[str, ...] = field(default=(), metadata=STRINGS)
    readonly_paths: tuple[str, ...] = field(default=(), metadata=STRINGS)
    mount_label: str = field(default="", metadata=STRING)
    personality: Personality | None = field(default=None, metadata=lazy("personality", "Personality"))

    def namespace(self, kind: str) -> Namespace | None:
        """The entry of this type, if there is one."""
        return next((namespace for namespace in self.namespaces if namespace.type == kind), None)

    def makes(self, kind: str) -> bool:
        """Whether a namespace of this type is made for the container (not joined by path)."""
        found = self.namespace(kind)
        return found is not None and not found.path
