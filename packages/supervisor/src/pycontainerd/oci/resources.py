"""cgroup limits in the OCI's terms, from docker's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from pycontainerd.containers.config import ContainerConfig, Resources
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci import block_io
from pycontainerd.oci.devices import HostDevice
from pyrunc import spec as oci

_PERIOD = 100_000
"""Microseconds: the period in which docker expresses ``--cpus``."""
_LEAST_MEMORY = 6 << 20
_RULE = re.compile(r"([acb]) (\*|\d+):(\*|\d+) ([rwm]{1,3})")

_DEFAULT_DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1))
"""null, zero, full, random, urandom, tty, console."""


def resources(
    config: ContainerConfig, devices: tuple[HostDevice, ...], block_devices: Mapping[str, tuple[int, int]]
) -> oci.Resources:
    """The ``linux.resources`` of a container."""
    validate(config.resources)
    return evolve(
        limits(config.resources),
        devices=_device_rules(config, devices),
        block_io=block_io.limits(config.resources, block_devices),
    )


def limits(wanted: Resources) -> oci.Resources:
    """The same without devices: what can be changed while it runs. -1 processes are any number."""
    return oci.Resources(
        memory=_memory(wanted),
        cpu=_cpu(wanted),
        pids=oci.Pids(limit=wanted.pids_limit) if wanted.pids_limit else None,
        block_io=block_io.limits(evolve(wanted, **block_io.NO_DEVICES), {}),
    )


def validate(wanted: Resources) -> None:
    """InvalidConfig for limits that dockerd refuses too."""
    memory, swap = wanted.memory or 0, wanted.memory_swap or 0
    if 0 < memory < _LEAST_MEMORY:
        raise InvalidConfig("resources.memory", "Minimum memory limit allowed is 6MB")
    if swap > 0 and not memory:
        raise InvalidConfig(
            "resources.memory_swap", "You should always set the Memory limit when using Memoryswap limit"
        )
    if 0 < swap < memory:
        raise InvalidConfig("resources.memory_swap", "Minimum memoryswap limit should be larger than memory limit")
    if wanted.memory_reservation and memory and wanted.memory_reservation > memory:
        raise InvalidConfig(
            "resources.memory_reservation", "Minimum memory limit can not be less than memory reservation limit"
        )
    if wanted.nano_cpus and (wanted.cpu_quota or wanted.cpu_period):
        raise InvalidConfig(
            "resources.nano_cpus", "Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set."
        )
    if wanted.blkio_weight and not 10 <= wanted.blkio_weight <= 1000:
        raise InvalidConfig("resources.blkio_weight", "Range of blkio weight is from 10 to 1000")


def _memory(wanted: Resources) -> oci.Memory | None:
    swap = wanted.memory_swap
    if wanted.memory and not swap:
        swap = 2 * wanted.memory
    memory = oci.Memory(
        limit=wanted.memory or None,
        swap=swap or None,
        reservation=wanted.memory_reservation or None,
        swappiness=wanted.memory_swappiness if wanted.memory_swappiness not in (None, -1) else None,
        disable_oom_killer=wanted.oom_kill_disable or None,
    )
    return None if memory == oci.Memory() else memory


def _cpu(wanted: Resources) -> oci.Cpu | None:
    quota, period = wanted.cpu_quota or None, wanted.cpu_period or None
    if wanted.nano_cpus:
        period, quota = _PERIOD, wanted.nano_cpus * _PERIOD // 10**9
    cpu = oci.Cpu(
        shares=wanted.cpu_shares or None,
        quota=quota,
        period=period,
        realtime_period=wanted.cpu_realtime_period or None,
        realtime_runtime=wanted.cpu_realtime_runtime or None,
        cpus=wanted.cpuset_cpus or "",
        mems=wanted.cpuset_mems or "",
    )
    return None if cpu == oci.Cpu() else cpu


def _device_rules(config: ContainerConfig, devices: tuple[HostDevice, ...]) -> tuple[oci.DeviceRule, ...]:
    if config.privileged:
        return (oci.DeviceRule(allow=True, access="rwm"),)
    rules = [oci.DeviceRule(allow=False, access="rwm")]
    rules += [
        oci.DeviceRule(allow=True, type="c", major=major, minor=minor, access="rwm")
        for major, minor in _DEFAULT_DEVICES
    ]
    rules += [
        oci.DeviceRule(allow=True, type=device.type, major=device.major, minor=device.minor, access=device.permissions)
        for device in devices
    ]
    return (*rules, *map(_parse_rule, config.device_cgroup_rules))


def _parse_rule(text: str) -> oci.DeviceRule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise InvalidConfig("device_cgroup_rules", f"invalid device cgroup rule format: {text!r}, expected 'c 1:3 rwm'")
    kind, major, minor, access = match.groups()
    return oci.DeviceRule(
        allow=True,
        type=kind,
        major=None if major == "*" else int(major),
        minor=None if minor == "*" else int(minor),
        access=access,
    )
