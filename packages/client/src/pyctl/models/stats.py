# ruff: noqa: RUF009 - api() declares an attribute, as attrs.field does
"""A container's counters (Engine API: ContainerStats)."""

from __future__ import annotations

import attrs

from pyctl.models.fields import api, integer, listed, model, named, text


@attrs.frozen
class CpuUsage:
    """CPU time in nanoseconds."""

    total: int = api("total_usage", integer)


@attrs.frozen
class Cpu:
    """One sample: the container's time, the machine's time over all its CPUs, and how many there are."""

    usage: CpuUsage = api("cpu_usage", model(CpuUsage))
    system: int = api("system_cpu_usage", integer)
    online: int = api("online_cpus", integer)


@attrs.frozen
class Memory:
    """Bytes; ``counters`` are those of the kernel's memory.stat."""

    usage: int = api("usage", integer)
    limit: int = api("limit", integer)
    counters: dict[str, int] = api("stats", named(integer))


@attrs.frozen
class Pids:
    """Processes and threads."""

    current: int = api("current", integer)


@attrs.frozen
class BlockEntry:
    """Bytes of one operation on one device."""

    operation: str = api("op", text)
    value: int = api("value", integer)


@attrs.frozen
class Blocks:
    """Reads and writes of block devices."""

    bytes: tuple[BlockEntry, ...] = api("io_service_bytes_recursive", listed(model(BlockEntry)))


@attrs.frozen
class Network:
    """One interface."""

    rx_bytes: int = api("rx_bytes", integer)
    tx_bytes: int = api("tx_bytes", integer)


@attrs.frozen
class Stats:
    """One sample with the one before it; all zero for a container that does not run."""

    id: str = api("id", text)
    name: str = api("name", text)
    """With its leading slash."""
    cpu: Cpu = api("cpu_stats", model(Cpu))
    cpu_before: Cpu = api("precpu_stats", model(Cpu))
    memory: Memory = api("memory_stats", model(Memory))
    pids: Pids = api("pids_stats", model(Pids))
    blocks: Blocks = api("blkio_stats", model(Blocks))
    networks: dict[str, Network] = api("networks", named(model(Network)))
