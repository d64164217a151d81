"""From ``linux.resources``, which speaks of version 1, to values for the files of cgroup version 2: decides only, writes nothing."""

from __future__ import annotations

from pyrunc.cgroups.driver import Setting
from pyrunc.cgroups.fields import RESOURCES, checked_weight, io_weight, pids_max, swap_alone, weight_of_shares
from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyrunc.spec.blockio import BlockIo, ThrottleDevice
    from pyrunc.spec.resources import Cpu, Memory, Resources

_NOT_ON_V2 = "has no equivalent in cgroup v2, which this machine uses"


def settings(resources: Resources) -> Iterator[Setting]:
    """All settings but the device rules. Raises CgroupError for what version 2 cannot do."""
    if resources.memory is not None:
        yield from _memory(resources.memory)
    if resources.cpu is not None:
        yield from _cpu(resources.cpu)
    if resources.pids is not None and resources.pids.limit:
        yield Setting("pids", "max", pids_max(resources.pids.limit), f"{RESOURCES}.pids.limit")
    if resources.block_io is not None:
        yield from _block_io(resources.block_io)
    yield from _others(resources)
    # Last: who names a file of version 2 means it, whatever the translation made of the rest.
    for name, value in resources.unified.items():
        field = f"{RESOURCES}.unified.{name}"
        if "/" in name or "." not in name:
            raise CgroupError(field, "is not the name of a file of a cgroup")
        yield Setting(name.partition(".")[0], name, value, field)


def _memory(memory: Memory) -> Iterator[Setting]:
    at = f"{RESOURCES}.memory"
    if memory.swappiness is not None:
        raise CgroupError(f"{at}.swappiness", _NOT_ON_V2)
    if memory.kernel_tcp and memory.kernel_tcp > 0:
        raise CgroupError(f"{at}.kernelTCP", _NOT_ON_V2)
    if memory.disable_oom_killer:
        raise CgroupError(f"{at}.disableOOMKiller", _NOT_ON_V2)
    swap = swap_alone(memory)
    if swap is not None:
        yield Setting("memory", "swap_max", swap, f"{at}.swap", implied=not memory.swap)
    if memory.limit:
        yield Setting("memory", "max", memory.limit, f"{at}.limit")
    if memory.reservation:
        yield Setting("memory", "low", memory.reservation, f"{at}.reservation")


def _cpu(cpu: Cpu) -> Iterator[Setting]:
    at = f"{RESOURCES}.cpu"
    if cpu.realtime_runtime or cpu.realtime_period:
        raise CgroupError(f"{at}.realtimeRuntime" if cpu.realtime_runtime else f"{at}.realtimePeriod", _NOT_ON_V2)
    if cpu.shares:
        yield Setting("cpu", "weight", weight_of_shares(cpu.shares), f"{at}.shares")
    if cpu.idle is not None:
        yield Setting("cpu", "idle", cpu.idle, f"{at}.idle")
    if cpu.quota or cpu.period:
        quota = cpu.quota if cpu.quota and cpu.quota > 0 else "max"
        yield Setting(
            "cpu", "max", f"{quota} {cpu.period or ''}".strip(), f"{at}.quota" if cpu.quota else f"{at}.period"
        )
    if cpu.burst:
        yield Setting("cpu", "max_burst", cpu.burst, f"{at}.burst")
    if cpu.cpus:
        yield Setting("cpuset", "cpus", cpu.cpus, f"{at}.cpus")
    if cpu.mems:
        yield Setting("cpuset", "mems", cpu.mems, f"{at}.mems")


def _block_io(block: BlockIo) -> Iterator[Setting]:
    at = f"{RESOURCES}.blockIO"
    if block.leaf_weight:
        raise CgroupError(f"{at}.leafWeight", _NOT_ON_V2)
    if block.weight:
        yield Setting("io", "weight", _weights(block.weight, f"{at}.weight"), f"{at}.weight")
    for index, device in enumerate(block.weight_device):
        place = f"{at}.weightDevice[{index}]"
        if device.leaf_weight:
            raise CgroupError(f"{place}.leafWeight", _NOT_ON_V2)
        if device.weight:
            yield Setting(
                "io", "weight", f"{device.major}:{device.minor} {_weights(device.weight, place)}", f"{place}.weight"
            )
    yield from _throttles("rbps", block.throttle_read_bps_device, f"{at}.throttleReadBpsDevice")
    yield from _throttles("wbps", block.throttle_write_bps_device, f"{at}.throttleWriteBpsDevice")
    yield from _throttles("riops", block.throttle_read_iops_device, f"{at}.throttleReadIOPSDevice")
    yield from _throttles("wiops", block.throttle_write_iops_device, f"{at}.throttleWriteIOPSDevice")


def _weights(weight: int, field: str) -> int:
    return io_weight(checked_weight(weight, field))


def _throttles(word: str, throttled: Sequence[ThrottleDevice], at: str) -> Iterator[Setting]:
    for index, device in enumerate(throttled):
        yield Setting("io", "max", f"{device.major}:{device.minor} {word}={device.rate or 'max'}", f"{at}[{index}]")


def _others(resources: Resources) -> Iterator[Setting]:
    for index, limit in enumerate(resources.hugepage_limits):
        yield Setting("hugetlb", f"hugetlb.{limit.page_size}.max", limit.limit, f"{RESOURCES}.hugepageLimits[{index}]")
    if resources.network is not None:
        if resources.network.class_id is not None:
            raise CgroupError(f"{RESOURCES}.network.classID", _NOT_ON_V2)
        if resources.network.priorities:
            raise CgroupError(f"{RESOURCES}.network.priorities", _NOT_ON_V2)
    for device, limits in resources.rdma.items():
        handles = "max" if limits.hca_handles is None else limits.hca_handles
        objects = "max" if limits.hca_objects is None else limits.hca_objects
        yield Setting(
            "rdma", "rdma.max", f"{device} hca_handle={handles} hca_object={objects}", f"{RESOURCES}.rdma.{device}"
        )
