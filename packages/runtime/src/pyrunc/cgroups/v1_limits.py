"""From ``linux.resources`` to values for the files of cgroup version 1: decides only, nothing is written here."""

from __future__ import annotations

from pyrunc.cgroups.driver import Setting
from pyrunc.cgroups.fields import RESOURCES, checked_shares, checked_weight, pids_max

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyrunc.spec.blockio import BlockIo, ThrottleDevice
    from pyrunc.spec.hugepages import HugepageLimit
    from pyrunc.spec.network import Network
    from pyrunc.spec.rdma import Rdma
    from pyrunc.spec.resources import Cpu, Memory, Resources


def settings(resources: Resources) -> Iterator[Setting]:
    """All settings but the device rules, in the order in which they must be written to an unlimited cgroup."""
    if resources.memory is not None:
        yield from _memory(resources.memory)
    if resources.cpu is not None:
        yield from _cpu(resources.cpu)
        yield from _cpuset(resources.cpu)
    if resources.pids is not None and resources.pids.limit:
        yield Setting("pids", "max", pids_max(resources.pids.limit), f"{RESOURCES}.pids.limit")
    if resources.block_io is not None:
        yield from _block_io(resources.block_io)
    yield from _hugepages(resources.hugepage_limits)
    if resources.network is not None:
        yield from _network(resources.network)
    yield from _rdma(resources.rdma)
    for name, value in resources.unified.items():
        yield Setting("unified", name, value, f"{RESOURCES}.unified.{name}")


def _memory(memory: Memory) -> Iterator[Setting]:
    """Memory and swap together may never be below memory: so the limit first, and when it is lifted, the sum first."""
    at = f"{RESOURCES}.memory"
    limit, swap = memory.limit or 0, memory.swap or 0
    lift_both = limit == -1 and swap in (0, -1)
    if lift_both:
        yield Setting("memory", "memsw_limit_in_bytes", -1, f"{at}.limit", implied=swap == 0)
    if limit:
        yield Setting("memory", "limit_in_bytes", limit, f"{at}.limit")
    if swap and not lift_both:
        yield Setting("memory", "memsw_limit_in_bytes", swap, f"{at}.swap")
    if memory.reservation:
        yield Setting("memory", "soft_limit_in_bytes", memory.reservation, f"{at}.reservation")
    # memory.kernel is deprecated by the specification and by the kernel (5.4), and is accepted without effect, as by runc.
    if memory.kernel_tcp:
        yield Setting("memory", "kmem_tcp_limit_in_bytes", memory.kernel_tcp, f"{at}.kernelTCP")
    if memory.swappiness is not None:
        yield Setting("memory", "swappiness", memory.swappiness, f"{at}.swappiness")
    if memory.disable_oom_killer:
        yield Setting("memory", "oom_kill_disable", True, f"{at}.disableOOMKiller")


def _cpu(cpu: Cpu) -> Iterator[Setting]:
    at = f"{RESOURCES}.cpu"
    if cpu.shares:
        yield Setting("cpu", "shares", checked_shares(cpu.shares), f"{at}.shares")
    if cpu.idle is not None:
        yield Setting("cpu", "idle", cpu.idle, f"{at}.idle")
    if cpu.period:
        yield Setting("cpu", "cfs_period_us", cpu.period, f"{at}.period")
    if cpu.quota:
        yield Setting("cpu", "cfs_quota_us", cpu.quota, f"{at}.quota")
    if cpu.burst:
        # The kernel refuses a burst above the quota, so it comes after it.
        yield Setting("cpu", "cfs_burst_us", cpu.burst, f"{at}.burst")
    if cpu.realtime_period:
        yield Setting("cpu", "rt_period_us", cpu.realtime_period, f"{at}.realtimePeriod")
    if cpu.realtime_runtime:
        yield Setting("cpu", "rt_runtime_us", cpu.realtime_runtime, f"{at}.realtimeRuntime")


def _cpuset(cpu: Cpu) -> Iterator[Setting]:
    if cpu.cpus:
        yield Setting("cpuset", "cpus", cpu.cpus, f"{RESOURCES}.cpu.cpus")
    if cpu.mems:
        yield Setting("cpuset", "mems", cpu.mems, f"{RESOURCES}.cpu.mems")


def _block_io(block: BlockIo) -> Iterator[Setting]:
    at = f"{RESOURCES}.blockIO"
    if block.weight:
        yield Setting("blkio", "weight", checked_weight(block.weight, f"{at}.weight"), f"{at}.weight")
    if block.leaf_weight:
        yield Setting("blkio", "leaf_weight", checked_weight(block.leaf_weight, f"{at}.leafWeight"), f"{at}.leafWeight")
    for index, device in enumerate(block.weight_device):
        place = f"{at}.weightDevice[{index}]"
        if device.weight:
            yield Setting("blkio", "weight_device", f"{device.major}:{device.minor} {device.weight}", f"{place}.weight")
        if device.leaf_weight:
            yield Setting(
                "blkio",
                "leaf_weight_device",
                f"{device.major}:{device.minor} {device.leaf_weight}",
                f"{place}.leafWeight",
            )
    yield from _throttles("throttle_read_bps_device", block.throttle_read_bps_device, f"{at}.throttleReadBpsDevice")
    yield from _throttles("throttle_write_bps_device", block.throttle_write_bps_device, f"{at}.throttleWriteBpsDevice")
    yield from _throttles("throttle_read_iops_device", block.throttle_read_iops_device, f"{at}.throttleReadIOPSDevice")
    yield from _throttles(
        "throttle_write_iops_device", block.throttle_write_iops_device, f"{at}.throttleWriteIOPSDevice"
    )


def _throttles(interface: str, devices: Sequence[ThrottleDevice], at: str) -> Iterator[Setting]:
    for index, device in enumerate(devices):
        yield Setting("blkio", interface, f"{device.major}:{device.minor} {device.rate}", f"{at}[{index}]")


def _hugepages(limits: Sequence[HugepageLimit]) -> Iterator[Setting]:
    for index, limit in enumerate(limits):
        at = f"{RESOURCES}.hugepageLimits[{index}]"
        yield Setting("hugetlb", f"hugetlb.{limit.page_size}.limit_in_bytes", str(limit.limit), at)


def _network(network: Network) -> Iterator[Setting]:
    at = f"{RESOURCES}.network"
    if network.class_id is not None:
        yield Setting("net_cls", "class_id", network.class_id, f"{at}.classID")
    for index, priority in enumerate(network.priorities):
        yield Setting("net_prio", "ifpriomap", f"{priority.name} {priority.priority}", f"{at}.priorities[{index}]")


def _rdma(limits: Mapping[str, Rdma]) -> Iterator[Setting]:
    for device, limit in limits.items():
        handles = "max" if limit.hca_handles is None else limit.hca_handles
        objects = "max" if limit.hca_objects is None else limit.hca_objects
        yield Setting(
            "rdma", "rdma.max", f"{device} hca_handle={handles} hca_object={objects}", f"{RESOURCES}.rdma.{device}"
        )
