"""Reading the counters of cgroup version 1."""

from __future__ import annotations

from pyrunc.cgroups import directory
from pyrunc.cgroups.directory import parse_pairs
from pyrunc.cgroups.stats import (
    BlkioEntry,
    BlkioStats,
    CpusetStats,
    CpuStats,
    HugetlbStats,
    MemoryCounter,
    MemoryStats,
    PidsStats,
    Stats,
    parse_list,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_UNLIMITED = 1 << 62
"""Without a limit the files show the largest multiple of a page (2**63 - 4096)."""


def read(paths: Mapping[str, str]) -> Stats:
    """All counters of the cgroup whose directories by controller are ``paths``."""
    return Stats(
        memory=_memory(paths["memory"]) if "memory" in paths else MemoryStats(),
        cpu=_cpu(paths.get("cpuacct"), paths.get("cpu")),
        pids=_pids(paths["pids"]) if "pids" in paths else PidsStats(),
        blkio=_blkio(paths["blkio"]) if "blkio" in paths else BlkioStats(),
        cpuset=_cpuset(paths["cpuset"]) if "cpuset" in paths else CpusetStats(),
        hugetlb=_hugetlb(paths["hugetlb"]) if "hugetlb" in paths else {},
    )


def _memory(place: str) -> MemoryStats:
    return MemoryStats(
        usage=_integer(f"{place}/memory.usage_in_bytes") or 0,
        limit=_limit(f"{place}/memory.limit_in_bytes"),
        max_usage=_integer(f"{place}/memory.max_usage_in_bytes"),
        swap_usage=_integer(f"{place}/memory.memsw.usage_in_bytes"),
        swap_limit=_limit(f"{place}/memory.memsw.limit_in_bytes"),
        swap_max_usage=_integer(f"{place}/memory.memsw.max_usage_in_bytes"),
        swap_failures=_integer(f"{place}/memory.memsw.failcnt") or 0,
        kernel=_counter(f"{place}/memory.kmem"),
        kernel_tcp=_counter(f"{place}/memory.kmem.tcp"),
        failures=_integer(f"{place}/memory.failcnt") or 0,
        oom_kills=parse_pairs(_text(f"{place}/memory.oom_control")).get("oom_kill", 0),
        stats=parse_pairs(_text(f"{place}/memory.stat")),
    )


def _counter(prefix: str) -> MemoryCounter:
    return MemoryCounter(
        usage=_integer(f"{prefix}.usage_in_bytes") or 0,
        limit=_limit(f"{prefix}.limit_in_bytes"),
        max_usage=_integer(f"{prefix}.max_usage_in_bytes"),
        failures=_integer(f"{prefix}.failcnt") or 0,
    )


def _cpu(account: str | None, scheduler: str | None) -> CpuStats:
    throttling = parse_pairs(_text(f"{scheduler}/cpu.stat")) if scheduler else {}
    split = [line.split() for line in _text(f"{account}/cpuacct.usage_all").splitlines()[1:]] if account else []
    return CpuStats(
        total_ns=(_integer(f"{account}/cpuacct.usage") or 0) if account else 0,
        user_ns=(_integer(f"{account}/cpuacct.usage_user") or 0) if account else 0,
        system_ns=(_integer(f"{account}/cpuacct.usage_sys") or 0) if account else 0,
        per_cpu_ns=tuple(map(int, _text(f"{account}/cpuacct.usage_percpu").split() if account else ())),
        per_cpu_user_ns=tuple(int(user) for _, user, _ in split),
        per_cpu_system_ns=tuple(int(system) for _, _, system in split),
        periods=throttling.get("nr_periods", 0),
        throttled_periods=throttling.get("nr_throttled", 0),
        throttled_ns=throttling.get("throttled_time", 0),
    )


def _pids(place: str) -> PidsStats:
    return PidsStats(current=_integer(f"{place}/pids.current") or 0, limit=_integer(f"{place}/pids.max"))


_SWITCHES = (
    *("cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab"),
    *("memory_pressure", "sched_load_balance", "sched_relax_domain_level"),
)


def _cpuset(place: str) -> CpusetStats:
    shown = {name: _text(f"{place}/cpuset.{name}").strip() for name in _SWITCHES}
    return CpusetStats(
        cpus=parse_list(_text(f"{place}/cpuset.cpus")),
        mems=parse_list(_text(f"{place}/cpuset.mems")),
        switches={name: int(text) for name, text in shown.items() if text.lstrip("-").isdigit()},
    )


def _hugetlb(place: str) -> dict[str, HugetlbStats]:
    return {
        size: HugetlbStats(
            usage=_integer(f"{place}/hugetlb.{size}.usage_in_bytes") or 0,
            max_usage=_integer(f"{place}/hugetlb.{size}.max_usage_in_bytes"),
            failures=_integer(f"{place}/hugetlb.{size}.failcnt") or 0,
        )
        for size in directory.page_sizes(place)
    }


def _blkio(place: str) -> BlkioStats:
    return BlkioStats(
        service_bytes=_entries(_text(f"{place}/blkio.throttle.io_service_bytes_recursive")),
        serviced=_entries(_text(f"{place}/blkio.throttle.io_serviced_recursive")),
    )


def _entries(text: str) -> tuple[BlkioEntry, ...]:
    """Lines of ``8:0 Read 4096``; the last line, a sum of all devices, has no numbers of a device and is left out."""
    entries = []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) == 3:
            major, _, minor = parts[0].partition(":")
            entries.append(BlkioEntry(int(major), int(minor), parts[1], int(parts[2])))
    return tuple(entries)


def _text(path: str) -> str:
    """Empty where the kernel lacks the file, or the container has just gone."""
    try:
        return directory.read(path)
    except OSError:
        return ""


def _integer(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _limit(path: str) -> int | None:
    number = _integer(path)
    return None if number is None or number >= _UNLIMITED else number
