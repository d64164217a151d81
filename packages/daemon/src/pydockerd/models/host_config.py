"""``HostConfig`` of the Engine API: the part of a container that is about the host it runs on."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pydockerd.models.mount import Mount
from pydockerd.models.wire import wire


@frozen(kw_only=True)
class LogConfig:
    """Which log driver, with which options."""

    type: str = ""
    config: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class RestartPolicy:
    """``no``, ``always``, ``unless-stopped`` or ``on-failure``; the count belongs to the last."""

    name: str = ""
    maximum_retry_count: int = 0


@frozen(kw_only=True)
class PortBinding:
    """Where a port of the container appears on the host."""

    host_ip: str = wire("HostIp", default="")
    host_port: str = ""


@frozen(kw_only=True)
class Ulimit:
    """One resource limit."""

    name: str = ""
    hard: int = 0
    soft: int = 0


@frozen(kw_only=True)
class DeviceMapping:
    """One device node of the host in the container."""

    path_on_host: str = ""
    path_in_container: str = ""
    cgroup_permissions: str = "rwm"


@frozen(kw_only=True)
class DeviceRequest:
    """Devices that a driver is to bring, by their names."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] | None = wire("DeviceIDs", default=None)
    capabilities: tuple[tuple[str, ...], ...] | None = None
    options: Mapping[str, str] | None = None


@frozen(kw_only=True)
class ThrottleDevice:
    """A rate, in bytes or operations a second, or a weight, of one block device."""

    path: str = ""
    rate: int = wire(default=0, omit_empty=True)
    weight: int = wire(default=0, omit_empty=True)


@frozen(kw_only=True)
class HostConfig:
    """Source: definitions HostConfig and Resources, in docker's own order."""

    binds: tuple[str, ...] | None = None
    container_id_file: str = wire("ContainerIDFile", default="")
    log_config: LogConfig = field(factory=LogConfig)
    network_mode: str = ""
    port_bindings: Mapping[str, tuple[PortBinding, ...]] = field(factory=dict)
    restart_policy: RestartPolicy = field(factory=RestartPolicy)
    auto_remove: bool = False
    volume_driver: str = ""
    volumes_from: tuple[str, ...] | None = None
    mounts: tuple[Mount, ...] = wire(default=(), omit_empty=True)
    console_size: tuple[int, ...] = (0, 0)
    annotations: Mapping[str, str] = wire(factory=dict, omit_empty=True)
    cap_add: tuple[str, ...] | None = None
    cap_drop: tuple[str, ...] | None = None
    cgroupns_mode: str = ""
    dns: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] | None = None
    group_add: tuple[str, ...] | None = None
    ipc_mode: str = ""
    cgroup: str = ""
    links: tuple[str, ...] | None = None
    oom_score_adj: int = 0
    pid_mode: str = ""
    privileged: bool = False
    publish_all_ports: bool = False
    readonly_rootfs: bool = False
    security_opt: tuple[str, ...] | None = None
    storage_opt: Mapping[str, str] = wire(factory=dict, omit_empty=True)
    tmpfs: Mapping[str, str] = wire(factory=dict, omit_empty=True)
    uts_mode: str = wire("UTSMode", default="")
    userns_mode: str = ""
    shm_size: int = 0
    sysctls: Mapping[str, str] = wire(factory=dict, omit_empty=True)
    runtime: str = ""
    isolation: str = ""
    cpu_shares: int = 0
    memory: int = 0
    nano_cpus: int = 0
    cgroup_parent: str = ""
    blkio_weight: int = 0
    blkio_weight_device: tuple[ThrottleDevice, ...] = ()
    blkio_device_read_bps: tuple[ThrottleDevice, ...] = ()
    blkio_device_write_bps: tuple[ThrottleDevice, ...] = ()
    blkio_device_read_iops: tuple[ThrottleDevice, ...] = wire("BlkioDeviceReadIOps", default=())
    blkio_device_write_iops: tuple[ThrottleDevice, ...] = wire("BlkioDeviceWriteIOps", default=())
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    devices: tuple[DeviceMapping, ...] = ()
    device_cgroup_rules: tuple[str, ...] | None = None
    device_requests: tuple[DeviceRequest, ...] | None = None
    memory_reservation: int = 0
    memory_swap: int = 0
    memory_swappiness: int | None = None
    oom_kill_disable: bool | None = None
    init: bool | None = wire(default=None, omit_none=True)
    pids_limit: int | None = None
    ulimits: tuple[Ulimit, ...] = ()
    cpu_count: int = 0
    cpu_percent: int = 0
    io_maximum_iops: int = wire("IOMaximumIOps", default=0)
    io_maximum_bandwidth: int = wire("IOMaximumBandwidth", default=0)
    masked_paths: tuple[str, ...] | None = None
    readonly_paths: tuple[str, ...] | None = None
