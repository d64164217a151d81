"""Reading the counters of cgroup version 2."""

from __future__ import annotations

from pyrunc.cgroups import directory
from pyrunc.cgroups.directory import parse_pairs
from pyrunc.cgroups.stats import (
    BlkioEntry,
    BlkioStats,
    CpusetStats,
    CpuStats,
    HugetlbStats,
    MemoryStats,
    PidsStats,
    Stats,
    parse_list,
)

_USEC = 1000


def read(place: str) -> Stats:
    """All counters of the cgroup in directory ``place``."""
    return Stats(
        memory=_memory(place),
        cpu=_cpu(place),
        pids=_pids(place),
        blkio=_blkio(place),
        cpuset=_cpuset(place),
        hugetlb=_hugetlb(place),
    )


def oom_kills(place: str) -> int:
    """The line ``oom_kill`` of memory.events."""
    return parse_pairs(_text(f"{place}/memory.events")).get("oom_kill", 0)


def _memory(place: str) -> MemoryStats:
    events = parse_pairs(_text(f"{place}/memory.events"))
    return MemoryStats(
        usage=_number(f"{place}/memory.current") or 0,
        limit=_number(f"{place}/memory.max"),
        max_usage=_number(f"{place}/memory.peak"),
        swap_usage=_number(f"{place}/memory.swap.current"),
        swap_limit=_number(f"{place}/memory.swap.max"),
        swap_max_usage=_number(f"{place}/memory.swap.peak"),
        failures=events.get("max", 0),
        oom_kills=events.get("oom_kill", 0),
        stats=parse_pairs(_text(f"{place}/memory.stat")),
    )


def _cpu(place: str) -> CpuStats:
    counted = parse_pairs(_text(f"{place}/cpu.stat"))
    return CpuStats(
        total_ns=counted.get("usage_usec", 0) * _USEC,
        user_ns=counted.get("user_usec", 0) * _USEC,
        system_ns=counted.get("system_usec", 0) * _USEC,
        periods=counted.get("nr_periods", 0),
        throttled_periods=counted.get("nr_throttled", 0),
        throttled_ns=counted.get("throttled_usec", 0) * _USEC,
    )


def _pids(place: str) -> PidsStats:
    return PidsStats(current=_number(f"{place}/pids.current") or 0, limit=_number(f"{place}/pids.max"))


def _cpuset(place: str) -> CpusetStats:
    return CpusetStats(
        cpus=parse_list(_text(f"{place}/cpuset.cpus.effective")),
        mems=parse_list(_text(f"{place}/cpuset.mems.effective")),
    )


def _hugetlb(place: str) -> dict[str, HugetlbStats]:
    return {
        size: HugetlbStats(
            usage=_number(f"{place}/hugetlb.{size}.current") or 0,
            failures=parse_pairs(_text(f"{place}/hugetlb.{size}.events")).get("max", 0),
        )
        for size in directory.page_sizes(place)
    }


_BYTES = {"rbytes": "Read", "wbytes": "Write", "dbytes": "Discard"}
_REQUESTS = {"rios": "Read", "wios": "Write", "dios": "Discard"}


def _blkio(place: str) -> BlkioStats:
    """Lines of ``8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6``."""
    bytes_, requests = [], []
    for line in _text(f"{place}/io.stat").splitlines():
        device, _, counters = line.partition(" ")
        major, _, minor = device.partition(":")
        if not (major.isdigit() and minor.isdigit()):
            continue
        for counter in counters.split():
            name, _, value = counter.partition("=")
            if name in _BYTES:
                bytes_.append(BlkioEntry(int(major), int(minor), _BYTES[name], int(value)))
            elif name in _REQUESTS:
                requests.append(BlkioEntry(int(major), int(minor), _REQUESTS[name], int(value)))
    return BlkioStats(service_bytes=tuple(bytes_), serviced=tuple(requests))


def _text(path: str) -> str:
    """Empty where the kernel lacks the file, or the container has just gone."""
    try:
        return directory.read(path)
    except OSError:
        return ""


def _number(path: str) -> int | None:
    """None for ``max``."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None
