"""Resource limits of HostConfig, checked with docker's rules and words."""

from __future__ import annotations

import re

from attrs import frozen

from pycontainerd.containers.config import BlockLimit, Device, Resources, Ulimit
from pydockerd.errors import BadRequest
from pydockerd.host.subids import Remapping
from pydockerd.models.host_config import HostConfig, ThrottleDevice

MINIMUM_MEMORY = 6 << 20
MAXIMUM_SHARES = 262144
_LIST = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")
"""Of processors or memory nodes (cpuset(7), List format)."""


@frozen
class HostFacts:
    """What is checked against: the number of CPUs of the machine; whose ids containers have, if not the machine's; which security modules it has;
    what containers get that say nothing of seccomp and of new privileges."""

    cpus: int
    users: Remapping | None = None
    apparmor: bool = False
    selinux: bool = False
    seccomp: str = "default"
    no_new_privileges: bool = False


def resources(host: HostConfig, facts: HostFacts) -> Resources:
    """The cgroup limits. Raises BadRequest for what docker refuses."""
    _check_memory(host, update=False)
    _check_cpu(host, facts)
    _check_block_io(host)
    pids = host.pids_limit
    return _resources(host, pids if pids is not None and pids > 0 else None)


def changes(host: HostConfig, facts: HostFacts) -> Resources:
    """The limits that an update has: None for those that stay. A number of processes of 0 or less is any number."""
    _check_memory(host, update=True)
    _check_cpu(host, facts)
    _check_block_io(host)
    pids = host.pids_limit
    return _resources(host, None if pids is None else pids if pids > 0 else -1)


def _resources(host: HostConfig, pids_limit: int | None) -> Resources:
    return Resources(
        memory=host.memory or None,
        memory_swap=host.memory_swap or None,
        memory_reservation=host.memory_reservation or None,
        memory_swappiness=None if host.memory_swappiness in {None, -1} else host.memory_swappiness,
        cpu_shares=host.cpu_shares or None,
        cpu_quota=host.cpu_quota or None,
        cpu_period=host.cpu_period or None,
        nano_cpus=host.nano_cpus or None,
        cpuset_cpus=host.cpuset_cpus or None,
        cpuset_mems=host.cpuset_mems or None,
        pids_limit=pids_limit,
        blkio_weight=host.blkio_weight or None,
        oom_kill_disable=host.oom_kill_disable or None,
        cpu_realtime_period=host.cpu_realtime_period or None,
        cpu_realtime_runtime=host.cpu_realtime_runtime or None,
        blkio_weights=tuple(BlockLimit(source=one.path, value=one.weight) for one in host.blkio_weight_device),
        blkio_read_bps=_rates(host.blkio_device_read_bps),
        blkio_write_bps=_rates(host.blkio_device_write_bps),
        blkio_read_iops=_rates(host.blkio_device_read_iops),
        blkio_write_iops=_rates(host.blkio_device_write_iops),
    )


def _rates(devices: tuple[ThrottleDevice, ...]) -> tuple[BlockLimit, ...]:
    return tuple(BlockLimit(source=one.path, value=one.rate) for one in devices)


def ulimits(host: HostConfig) -> tuple[Ulimit, ...]:
    """The rlimits; the soft one may not exceed the hard one."""
    for limit in host.ulimits:
        if limit.hard != -1 and (limit.soft > limit.hard or limit.soft == -1):
            raise BadRequest(f"ulimit soft limit must be less than or equal to hard limit: {limit.soft} > {limit.hard}")
    return tuple(Ulimit(name=limit.name, soft=limit.soft, hard=limit.hard) for limit in host.ulimits)


def devices(host: HostConfig) -> tuple[Device, ...]:
    """The device nodes that are named one by one; see `pydockerd.cdi` for others."""
    return tuple(
        Device(
            source=device.path_on_host,
            target=device.path_in_container or device.path_on_host,
            permissions=_permissions(device.cgroup_permissions),
        )
        for device in host.devices
    )


def _permissions(text: str) -> str:
    if not set(text) <= set("rwm"):
        raise BadRequest(f"invalid device permissions: {text}: a subset of rwm is needed")
    return text or "rwm"


def _check_memory(host: HostConfig, *, update: bool) -> None:
    if host.memory < 0 or 0 < host.memory < MINIMUM_MEMORY:
        raise BadRequest("Minimum memory limit allowed is 6MB")
    if host.memory == 0 and host.memory_swap > 0 and not update:
        raise BadRequest("You should always set the Memory limit when using Memoryswap limit, see usage")
    if 0 < host.memory_swap < host.memory:
        raise BadRequest("Minimum memoryswap limit should be larger than memory limit, see usage")
    if host.memory_reservation < 0 or 0 < host.memory_reservation < MINIMUM_MEMORY:
        raise BadRequest("Minimum memory reservation allowed is 6MB")
    if 0 < host.memory < host.memory_reservation:
        raise BadRequest("Minimum memory limit can not be less than memory reservation limit, see usage")
    if host.memory_swappiness is not None and not -1 <= host.memory_swappiness <= 100:
        raise BadRequest(f"Invalid value: {host.memory_swappiness}, valid memory swappiness range is 0-100")


def _check_cpu(host: HostConfig, facts: HostFacts) -> None:
    if host.nano_cpus and host.cpu_period:
        raise BadRequest("Conflicting options: Nano CPUs and CPU Period cannot both be set")
    if host.nano_cpus and host.cpu_quota:
        raise BadRequest("Conflicting options: Nano CPUs and CPU Quota cannot both be set")
    if host.nano_cpus < 0 or host.nano_cpus > facts.cpus * 1_000_000_000:
        raise BadRequest(
            f"Range of CPUs is from 0.01 to {facts.cpus}.00, as there are only {facts.cpus} CPUs available"
        )
    if host.cpu_shares < 0:
        raise BadRequest(f"CPU shares cannot be negative: {host.cpu_shares}")
    if host.cpu_shares == 1:
        raise BadRequest("The minimum allowed cpu-shares is 2")
    if host.cpu_shares > MAXIMUM_SHARES:
        raise BadRequest(f"The maximum allowed cpu-shares is {MAXIMUM_SHARES}")
    if host.cpu_period != 0 and not 1000 <= host.cpu_period <= 1_000_000:
        raise BadRequest("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    if 0 < host.cpu_quota < 1000:
        raise BadRequest("CPU cfs quota can not be less than 1ms (i.e. 1000)")
    for name, text in (("cpus", host.cpuset_cpus), ("mems", host.cpuset_mems)):
        if text and not _LIST.fullmatch(text):
            raise BadRequest(f"Invalid value {text} for cpuset {name}")
    if host.cpu_realtime_period and host.cpu_realtime_runtime > host.cpu_realtime_period:
        raise BadRequest("cpu real-time runtime cannot be higher than cpu real-time period")


def _check_block_io(host: HostConfig) -> None:
    if host.blkio_weight != 0 and not 10 <= host.blkio_weight <= 1000:
        raise BadRequest("Range of blkio weight is from 10 to 1000")
    for one in host.blkio_weight_device:
        if not 10 <= one.weight <= 1000:
            raise BadRequest(f"invalid weight for device: {one.path}:{one.weight}: it is from 10 to 1000")
