"""What the kernel has counted for a container, in the same words for both versions of cgroups."""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.model import field, frozen


@frozen(kw_only=True)
class MemoryCounter:
    """Bytes of one kind of memory that version 1 counts apart; zero and None where the kernel does not."""

    usage: int = 0
    limit: int | None = None
    max_usage: int | None = None
    failures: int = 0


@frozen(kw_only=True)
class MemoryStats:
    """Bytes. ``limit`` is None without one; ``max_usage`` is None where the kernel does not keep it; ``stats`` is memory.stat as it is.

    ``swap_*`` is of memory and swap together on version 1, of swap alone on version 2.
    """

    usage: int = 0
    limit: int | None = None
    max_usage: int | None = None
    swap_usage: int | None = None
    swap_limit: int | None = None
    swap_max_usage: int | None = None
    swap_failures: int = 0
    kernel: MemoryCounter = field(factory=MemoryCounter)
    kernel_tcp: MemoryCounter = field(factory=MemoryCounter)
    failures: int = 0
    oom_kills: int = 0
    stats: Mapping[str, int] = field(factory=dict)

    @property
    def cache(self) -> int:
        """Page cache that could be given back at once: what clients subtract from ``usage`` to show a container's own memory."""
        for name in ("total_inactive_file", "inactive_file"):
            if name in self.stats:
                return self.stats[name]
        return 0


@frozen(kw_only=True)
class CpuStats:
    """Nanoseconds of processor time. ``periods`` and ``throttled_*`` count the periods of a quota."""

    total_ns: int = 0
    user_ns: int = 0
    system_ns: int = 0
    per_cpu_ns: tuple[int, ...] = ()
    per_cpu_user_ns: tuple[int, ...] = ()
    per_cpu_system_ns: tuple[int, ...] = ()
    periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0


@frozen(kw_only=True)
class CpusetStats:
    """Where it may run, and the switches of version 1's cpuset by their file's name without ``cpuset.``."""

    cpus: tuple[int, ...] = ()
    mems: tuple[int, ...] = ()
    switches: Mapping[str, int] = field(factory=dict)


@frozen(kw_only=True)
class HugetlbStats:
    """Bytes in pages of one size."""

    usage: int = 0
    max_usage: int | None = None
    failures: int = 0


@frozen(kw_only=True)
class PidsStats:
    """Tasks (threads too); ``limit`` is None without one."""

    current: int = 0
    limit: int | None = None


@frozen
class BlkioEntry:
    """``operation`` is Read, Write, Sync, Async, Discard or Total, as version 1 names them."""

    major: int
    minor: int
    operation: str
    value: int


@frozen(kw_only=True)
class BlkioStats:
    """Bytes and requests of each block device."""

    service_bytes: tuple[BlkioEntry, ...] = ()
    serviced: tuple[BlkioEntry, ...] = ()


@frozen(kw_only=True)
class Stats:
    """One reading of all of them; a controller that this machine lacks leaves its part at zero."""

    memory: MemoryStats = field(factory=MemoryStats)
    cpu: CpuStats = field(factory=CpuStats)
    pids: PidsStats = field(factory=PidsStats)
    blkio: BlkioStats = field(factory=BlkioStats)
    cpuset: CpusetStats = field(factory=CpusetStats)
    hugetlb: Mapping[str, HugetlbStats] = field(factory=dict)
    """By the size of page: ``2MB``."""


def parse_list(text: str) -> tuple[int, ...]:
    """``0-2,5`` as 0, 1, 2, 5 (cpuset(7), List format)."""
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return tuple(found)
