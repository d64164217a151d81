"""Rows of ``stats``: what one sample of a container's counters says (docker's command/container/stats_helpers.go)."""

from __future__ import annotations

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.units import binary_size, decimal_size
from pyctl.models.stats import Stats

STATS = Layout(
    default=("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"),
    titles={
        "BlockIO": "BLOCK I/O",
        "CPUPerc": "CPU %",
        "Container": "CONTAINER",
        "ID": "CONTAINER ID",
        "MemPerc": "MEM %",
        "MemUsage": "MEM USAGE / LIMIT",
        "Name": "NAME",
        "NetIO": "NET I/O",
        "PIDs": "PIDS",
    },
    go_type="*container.statsContext",
)


def stats_row(asked: str, stats: Stats, *, truncate: bool) -> Row:
    """One container, which the user named ``asked``."""
    used, limit = memory_used(stats), stats.memory.limit
    received = sum(network.rx_bytes for network in stats.networks.values())
    sent = sum(network.tx_bytes for network in stats.networks.values())
    columns: dict[str, Value] = {
        "BlockIO": _pair(_blocks(stats, "r"), _blocks(stats, "w")),
        "CPUPerc": f"{cpu_percent(stats):.2f}%",
        "Container": asked,
        "ID": stats.id[:12] if truncate else stats.id,
        "MemPerc": f"{used / limit * 100 if limit else 0:.2f}%",
        "MemUsage": f"{binary_size(used)} / {binary_size(limit)}",
        "Name": stats.name.removeprefix("/"),
        "NetIO": _pair(received, sent),
        "PIDs": str(stats.pids.current),
    }
    return Row(STATS.go_type, columns)


def cpu_percent(stats: Stats) -> float:
    """Of one CPU, between the sample and the one before."""
    used = stats.cpu.usage.total - stats.cpu_before.usage.total
    passed = stats.cpu.system - stats.cpu_before.system
    return used / passed * stats.cpu.online * 100 if used > 0 and passed > 0 else 0.0


def memory_used(stats: Stats) -> int:
    """Without the page cache that the kernel would give back first: by its name on cgroup version 1, else on 2."""
    counters = stats.memory.counters
    idle = counters.get("total_inactive_file", counters.get("inactive_file", 0))
    return stats.memory.usage - idle if idle < stats.memory.usage else stats.memory.usage


def _blocks(stats: Stats, operation: str) -> int:
    return sum(entry.value for entry in stats.blocks.bytes if entry.operation.lower().startswith(operation))


def _pair(first: int, second: int) -> str:
    return f"{decimal_size(first, 3)} / {decimal_size(second, 3)}"
