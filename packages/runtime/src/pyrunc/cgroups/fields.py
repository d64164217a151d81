"""Arithmetic and checks of ``linux.resources`` that the drivers share: pure functions, each naming the field that it refuses."""

from __future__ import annotations

from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec.resources import Memory

RESOURCES = "linux.resources"
SHARES_MIN, SHARES_MAX = 2, 262144
WEIGHT_MIN, WEIGHT_MAX = 10, 1000


def checked_shares(shares: int) -> int:
    """The kernel would clamp silently; runc refuses, and so do we."""
    if not SHARES_MIN <= shares <= SHARES_MAX:
        raise CgroupError(f"{RESOURCES}.cpu.shares", f"{shares} is not between {SHARES_MIN} and {SHARES_MAX}")
    return shares


def weight_of_shares(shares: int) -> int:
    """cpu.weight (1..10000, default 100) for cpu.shares (2..262144, default 1024).

    The curve through (2, 1), (1024, 100) and (262144, 10000) that runc, crun and Kubernetes agreed on in 2025; the straight line
    used before turned the default of 1024 into 39.
    """
    import math

    log = math.log2(checked_shares(shares))
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))


def io_weight(weight: int) -> int:
    """io.weight (1..10000) for blkio.weight (10..1000), as runc and crun convert."""
    return 1 + (weight - 10) * 9999 // 990


def checked_weight(weight: int, field: str) -> int:
    """blkio weights of the specification."""
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise CgroupError(field, f"{weight} is not between {WEIGHT_MIN} and {WEIGHT_MAX}")
    return weight


def pids_max(limit: int) -> str:
    """pids.max for pids.limit; below zero is no limit."""
    return str(limit) if limit > 0 else "max"


def swap_alone(memory: Memory) -> int | None:
    """memory.swap.max (swap only, -1 for no limit) from memory.swap of the specification (memory and swap together).

    None: leave it. Raises CgroupError for a swap limit below the memory limit, or without one.
    """
    field = f"{RESOURCES}.memory.swap"
    if memory.swap is None or memory.swap == 0:
        return -1 if memory.limit == -1 else None
    if memory.swap == -1:
        return -1
    if memory.limit is None or memory.limit <= 0:
        raise CgroupError(field, "cannot be limited without linux.resources.memory.limit")
    if memory.swap < memory.limit:
        raise CgroupError(
            field,
            f"{memory.swap} is below linux.resources.memory.limit ({memory.limit}); it counts memory and swap together",
        )
    return memory.swap - memory.limit
