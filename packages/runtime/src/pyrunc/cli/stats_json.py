"""Statistics in the JSON of ``runc events`` (its package types): members that are 0 or empty are left out where runc leaves them out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyrunc.cgroups.stats import BlkioEntry, CpusetStats, CpuStats, MemoryStats, Stats

_UNLIMITED_V1 = 0x7FFFFFFFFFFFF000
_UNLIMITED_V2 = 0xFFFFFFFFFFFFFFFF


def stats_json(stats: Stats, *, v2: bool) -> dict[str, Any]:
    """The member ``data`` of an event of type stats. ``v2``: which version the numbers are of."""
    return {
        "cpu": _cpu(stats.cpu),
        "cpuset": _cpuset(stats.cpuset),
        "memory": _memory(stats.memory, v2=v2),
        "pids": _present(current=stats.pids.current, limit=stats.pids.limit),
        "blkio": _present(
            ioServiceBytesRecursive=_entries(stats.blkio.service_bytes),
            ioServicedRecursive=_entries(stats.blkio.serviced),
        ),
        "hugetlb": {
            size: _present(usage=counted.usage, max=counted.max_usage) | {"failcnt": counted.failures}
            for size, counted in stats.hugetlb.items()
        },
        "intel_rdt": {},
        "network_interfaces": None,
    }


def _present(**members: Any) -> dict[str, Any]:
    """Go's omitempty."""
    return {name: value for name, value in members.items() if value}


def _cpu(cpu: CpuStats) -> dict[str, Any]:
    usage = _present(
        total=cpu.total_ns,
        percpu=cpu.per_cpu_ns,
        percpu_kernel=cpu.per_cpu_system_ns,
        percpu_user=cpu.per_cpu_user_ns,
    )
    throttling = _present(periods=cpu.periods, throttledPeriods=cpu.throttled_periods, throttledTime=cpu.throttled_ns)
    return {"usage": {**usage, "kernel": cpu.system_ns, "user": cpu.user_ns}, "throttling": throttling}


_SWITCHES = (
    *("cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab"),
    *("memory_pressure", "sched_load_balance", "sched_relax_domain_level"),
)


def _cpuset(cpuset: CpusetStats) -> dict[str, Any]:
    switches = {name: cpuset.switches.get(name, 0) for name in _SWITCHES}
    return _present(cpus=cpuset.cpus, mems=cpuset.mems) | switches


def _memory(memory: MemoryStats, *, v2: bool) -> dict[str, Any]:
    """On version 2, which counts swap alone, swap is memory and swap together as on version 1, as runc has it since 1.1.6."""
    unlimited = _UNLIMITED_V2 if v2 else _UNLIMITED_V1
    swap_usage, swap_limit = memory.swap_usage or 0, memory.swap_limit
    if v2:
        swap_usage += memory.usage
        swap_limit = None if swap_limit is None or memory.limit is None else swap_limit + memory.limit
    cache = memory.stats.get("file" if v2 else "cache", 0)
    kernel, tcp = memory.kernel, memory.kernel_tcp
    return {
        **_present(cache=cache),
        "usage": _entry(memory.usage, memory.limit, memory.max_usage, memory.failures, unlimited),
        "swap": _entry(swap_usage, swap_limit, memory.swap_max_usage, memory.swap_failures, unlimited),
        "kernel": _entry(kernel.usage, kernel.limit, kernel.max_usage, kernel.failures, 0 if v2 else unlimited),
        "kernelTCP": _entry(tcp.usage, tcp.limit, tcp.max_usage, tcp.failures, 0 if v2 else unlimited),
        **_present(raw=dict(memory.stats)),
    }


def _entry(usage: int, limit: int | None, most: int | None, failures: int, unlimited: int) -> dict[str, Any]:
    return {
        "limit": unlimited if limit is None else limit,
        **_present(usage=usage, max=most),
        "failcnt": failures,
    }


def _entries(entries: Iterable[BlkioEntry]) -> list[dict[str, Any]]:
    return [_present(major=entry.major, minor=entry.minor, op=entry.operation, value=entry.value) for entry in entries]
