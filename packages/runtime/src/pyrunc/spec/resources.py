"""``linux.resources`` (config-linux.md, Control groups): the limits that everyone uses; rarer controllers have files of their own."""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.model import field, frozen
from pyrunc.spec.read import BOOLEAN, INT64, STRING, STRING_MAP, UINT64, named, of, one_of
from pyrunc.spec.section import Section, lazies, lazy, lazy_map, section, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec.blockio import BlockIo
    from pyrunc.spec.hugepages import HugepageLimit
    from pyrunc.spec.network import Network
    from pyrunc.spec.rdma import Rdma


@frozen(kw_only=True, eq=False, repr=False)
class DeviceRule(Section):
    """``linux.resources.devices[]``: type a, c or b; ``major``/``minor`` None are all; ``access`` of the letters r, w, m."""

    allow: bool = field(metadata=BOOLEAN)
    type: str = field(default="", metadata=of(one_of("", "a", "b", "c", "u", "p")))
    major: int | None = field(default=None, metadata=INT64)
    minor: int | None = field(default=None, metadata=INT64)
    access: str = field(default="", metadata=STRING)


@frozen(kw_only=True, eq=False, repr=False)
class Memory(Section):
    """Bytes; -1 is no limit. ``swap`` is memory plus swap."""

    limit: int | None = field(default=None, metadata=INT64)
    reservation: int | None = field(default=None, metadata=INT64)
    swap: int | None = field(default=None, metadata=INT64)
    kernel: int | None = field(default=None, metadata=INT64)
    kernel_tcp: int | None = field(default=None, metadata=named("kernelTCP", INT64))
    swappiness: int | None = field(default=None, metadata=UINT64)
    disable_oom_killer: bool | None = field(default=None, metadata=named("disableOOMKiller", BOOLEAN))
    use_hierarchy: bool | None = field(default=None, metadata=BOOLEAN)
    check_before_update: bool | None = field(default=None, metadata=BOOLEAN)


@frozen(kw_only=True, eq=False, repr=False)
class Cpu(Section):
    """``shares`` weigh, ``quota`` of each ``period`` limits (microseconds), ``cpus`` and ``mems`` are lists (``0-3,7``)."""

    shares: int | None = field(default=None, metadata=UINT64)
    quota: int | None = field(default=None, metadata=INT64)
    burst: int | None = field(default=None, metadata=UINT64)
    period: int | None = field(default=None, metadata=UINT64)
    realtime_runtime: int | None = field(default=None, metadata=INT64)
    realtime_period: int | None = field(default=None, metadata=UINT64)
    cpus: str = field(default="", metadata=STRING)
    mems: str = field(default="", metadata=STRING)
    idle: int | None = field(default=None, metadata=INT64)


@frozen(kw_only=True, eq=False, repr=False)
class Pids(Section):
    """``limit`` of tasks; zero or less is none, as runc has it."""

    limit: int | None = field(default=None, metadata=INT64)


@frozen(kw_only=True, eq=False, repr=False)
class Resources(Section):
    """Every controller; what is absent is left as the kernel has it. ``unified`` names files of cgroup v2 directly."""

    devices: tuple[DeviceRule, ...] = field(default=(), metadata=sections(DeviceRule))
    memory: Memory | None = field(default=None, metadata=section(Memory))
    cpu: Cpu | None = field(default=None, metadata=section(Cpu))
    pids: Pids | None = field(default=None, metadata=section(Pids))
    block_io: BlockIo | None = field(default=None, metadata=lazy("blockio", "BlockIo", "blockIO"))
    hugepage_limits: tuple[HugepageLimit, ...] = field(default=(), metadata=lazies("hugepages", "HugepageLimit"))
    network: Network | None = field(default=None, metadata=lazy("network", "Network"))
    rdma: Mapping[str, Rdma] = field(factory=dict, metadata=lazy_map("rdma", "Rdma"))
    unified: Mapping[str, str] = field(factory=dict, metadata=STRING_MAP)
