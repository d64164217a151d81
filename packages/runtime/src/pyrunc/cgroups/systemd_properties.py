"""From ``linux.resources`` to properties of a unit (systemd.resource-control(5)), as runc maps them: pure functions.

systemd writes the files of the cgroup anew whenever it changes something of its own, from the properties. What it has no property for
is only written to the cgroup, which is delegated; the properties and the files say the same.
"""

from __future__ import annotations

from pyrunc.cgroups.fields import weight_of_shares

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyrunc.cgroups.devices import Rule
    from pyrunc.spec.resources import Cpu, Memory, Resources

    Property = tuple[str, tuple[str, object]]
    """A name, and a variant: its D-Bus signature and the value."""

INFINITY = 2**64 - 1
_DEFAULT_PERIOD = 100_000
_QUOTA_STEP = 10_000
"""systemd takes quotas in hundredths of a processor only, in microseconds a second; smaller ones would become none."""

_ACCOUNTING = ("MemoryAccounting", "CPUAccounting", "TasksAccounting")


def accounting(*, v2: bool) -> list[Property]:
    """What makes systemd give the unit a cgroup of each controller."""
    names = (*_ACCOUNTING, "IOAccounting" if v2 else "BlockIOAccounting")
    return [(name, ("b", True)) for name in names]


def limits(resources: Resources, *, v2: bool) -> list[Property]:
    """The limits that systemd has properties for."""
    found: list[Property] = []
    if resources.memory is not None:
        found += _memory(resources.memory, v2=v2)
    if resources.cpu is not None:
        found += _cpu(resources.cpu, v2=v2)
    if resources.pids is not None and resources.pids.limit:
        found.append(("TasksMax", ("t", resources.pids.limit if resources.pids.limit > 0 else INFINITY)))
    if not v2 and resources.block_io is not None and resources.block_io.weight:
        found.append(("BlockIOWeight", ("t", resources.block_io.weight)))
    if v2:
        found += _unified(resources)
    return found


def _memory(memory: Memory, *, v2: bool) -> Iterator[Property]:
    if memory.limit:
        yield "MemoryMax" if v2 else "MemoryLimit", ("t", _size(memory.limit))
    if not v2:
        return
    if memory.reservation:
        yield "MemoryLow", ("t", _size(memory.reservation))
    if memory.swap == -1 or (memory.limit == -1 and not memory.swap):
        yield "MemorySwapMax", ("t", INFINITY)
    elif memory.swap and memory.limit and memory.swap >= memory.limit > 0:
        yield "MemorySwapMax", ("t", memory.swap - memory.limit)


def _size(number: int) -> int:
    return number if number >= 0 else INFINITY


def _cpu(cpu: Cpu, *, v2: bool) -> Iterator[Property]:
    if cpu.shares:
        yield ("CPUWeight", ("t", weight_of_shares(cpu.shares))) if v2 else ("CPUShares", ("t", cpu.shares))
    if cpu.period:
        yield "CPUQuotaPeriodUSec", ("t", cpu.period)
    if cpu.quota or cpu.period:
        yield "CPUQuotaPerSecUSec", ("t", _per_second(cpu.quota or 0, cpu.period or _DEFAULT_PERIOD))
    if cpu.cpus:
        yield "AllowedCPUs", ("ay", mask(cpu.cpus))
    if cpu.mems:
        yield "AllowedMemoryNodes", ("ay", mask(cpu.mems))


def _per_second(quota: int, period: int) -> int:
    if quota <= 0:
        return INFINITY
    return -(-(quota * 1_000_000 // period) // _QUOTA_STEP) * _QUOTA_STEP


def mask(numbers: str) -> bytes:
    """``0-2,8`` as the bits of bytes, the lowest first."""
    from pyrunc.cgroups.stats import parse_list

    bits = sum(1 << number for number in set(parse_list(numbers)))
    return bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "little")


_UNIFIED = {
    "cpu.weight": "CPUWeight",
    "memory.high": "MemoryHigh",
    "memory.low": "MemoryLow",
    "memory.max": "MemoryMax",
    "memory.min": "MemoryMin",
    "memory.swap.max": "MemorySwapMax",
    "pids.max": "TasksMax",
}


def _unified(resources: Resources) -> Iterator[Property]:
    for name, text in resources.unified.items():
        if name in _UNIFIED and (text == "max" or text.isdecimal()):
            yield _UNIFIED[name], ("t", INFINITY if text == "max" else int(text))


def devices(rules: Sequence[Rule]) -> list[Property]:
    """The devices that the rules allow, so that systemd never takes them away; what they deny of these is seen to by the cgroup's own rules."""
    if any(rule.kind == "a" and rule.allow for rule in rules):
        return [("DevicePolicy", ("s", "auto")), ("DeviceAllow", ("a(ss)", []))]
    allowed = [(_device(rule), rule.access) for rule in rules if rule.allow]
    return [("DevicePolicy", ("s", "strict")), ("DeviceAllow", ("a(ss)", allowed))]


def _device(rule: Rule) -> str:
    word = {"b": "block", "c": "char"}[rule.kind]
    if rule.major < 0:
        return f"{word}-*"
    return f"{word}-{rule.major}" if rule.minor < 0 else f"/dev/{word}/{rule.major}:{rule.minor}"
