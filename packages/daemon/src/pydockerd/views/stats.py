"""A reading of a container's counters as docker's stats document; clients compute percentages from two of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from pycontainerd import Stats
from pydockerd.models.wire import ZERO_TIME

Json = dict[str, Any]


@frozen(kw_only=True)
class Reading:
    """Counters and the machine's own at about the same instant. ``system_ns`` is the time that all its CPUs together have spent."""

    time: str
    stats: Stats
    system_ns: int
    memory_total: int
    interfaces: Mapping[str, Sequence[int]] = field(factory=dict)
    """The sixteen counters of each, as proc_net(5) has them in /proc/net/dev."""


def document(reading: Reading, before: Reading | None, *, id: str, name: str) -> Json:
    """Source: definition ContainerStatsResponse. ``before`` is the reading of a second ago, None on the first."""
    return {
        "id": id,
        "name": f"/{name}",
        "os_type": "linux",
        "read": reading.time,
        "preread": before.time if before else ZERO_TIME,
        "num_procs": 0,
        "pids_stats": _pids(reading.stats),
        "blkio_stats": _blkio(reading.stats),
        "storage_stats": {},
        "cpu_stats": _cpu(reading),
        "precpu_stats": _cpu(before) if before else _no_cpu(),
        "memory_stats": _memory(reading),
        "networks": {name: _interface(counters) for name, counters in reading.interfaces.items()},
    }


def stopped(*, id: str, name: str) -> Json:
    """What is said of a container that does not run: zeros."""
    return {
        "id": id,
        "name": f"/{name}",
        "os_type": "linux",
        "read": ZERO_TIME,
        "preread": ZERO_TIME,
        "num_procs": 0,
        "pids_stats": {},
        "blkio_stats": dict.fromkeys(_BLKIO),
        "storage_stats": {},
        "cpu_stats": _no_cpu(),
        "precpu_stats": _no_cpu(),
        "memory_stats": {},
    }


_BLKIO = (
    "io_service_bytes_recursive", "io_serviced_recursive", "io_queue_recursive", "io_service_time_recursive",
    "io_wait_time_recursive", "io_merged_recursive", "io_time_recursive", "sectors_recursive",
)  # fmt: skip


def _cpu(reading: Reading) -> Json:
    cpu = reading.stats.cpu
    usage: Json = {
        "total_usage": cpu.total_ns,
        "usage_in_kernelmode": cpu.system_ns,
        "usage_in_usermode": cpu.user_ns,
    }
    if cpu.per_cpu_ns:
        usage["percpu_usage"] = list(cpu.per_cpu_ns)
    return {
        "cpu_usage": usage,
        "system_cpu_usage": reading.system_ns,
        "online_cpus": os.cpu_count() or 1,
        "throttling_data": {
            "periods": cpu.periods,
            "throttled_periods": cpu.throttled_periods,
            "throttled_time": cpu.throttled_ns,
        },
    }


def _no_cpu() -> Json:
    return {
        "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    }


def _memory(reading: Reading) -> Json:
    memory = reading.stats.memory
    found: Json = {
        "usage": memory.usage,
        "stats": dict(memory.stats),
        "limit": min(memory.limit or reading.memory_total, reading.memory_total),
    }
    if memory.max_usage is not None:
        found["max_usage"] = memory.max_usage
    if memory.failures:
        found["failcnt"] = memory.failures
    return found


def _interface(counters: Sequence[int]) -> Json:
    received, sent = counters[:8], counters[8:]
    return {
        f"{way}_{name}": half[at]
        for way, half in (("rx", received), ("tx", sent))
        for at, name in enumerate(("bytes", "packets", "errors", "dropped"))
    }


def _pids(stats: Stats) -> Json:
    found: Json = {"current": stats.pids.current}
    if stats.pids.limit is not None:
        found["limit"] = stats.pids.limit
    return found


def _blkio(stats: Stats) -> Json:
    found: Json = dict.fromkeys(_BLKIO)
    found["io_service_bytes_recursive"] = _entries(stats.blkio.service_bytes)
    found["io_serviced_recursive"] = _entries(stats.blkio.serviced)
    return found


def _entries(entries: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [{"major": e.major, "minor": e.minor, "op": e.operation, "value": e.value} for e in entries]
