# ruff: noqa: RUF009 - key() declares an attribute, as attrs.field does
"""What a container is made from: the body of ContainerCreate and ExecCreate.

Attributes are None until they are set; `pyctl.models.requests.encode` leaves those out, and the daemon's defaults apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pyctl.models.requests import key

if TYPE_CHECKING:
    from pyctl.models.networks import Endpoint  # not for those who ask for no network


@attrs.frozen(kw_only=True)
class Device:
    """A host device in the container (DeviceMapping); permissions out of ``rwm``."""

    host_path: str = key("PathOnHost")
    container_path: str = key("PathInContainer")
    permissions: str = key("CgroupPermissions")


@attrs.frozen(kw_only=True)
class ThrottledDevice:
    """How fast a block device may be read or written (ThrottleDevice): bytes or operations a second."""

    path: str = key("Path")
    rate: int = key("Rate")


@attrs.frozen(kw_only=True)
class WeightedDevice:
    """A container's share of a block device (BlkioWeightDevice)."""

    path: str = key("Path")
    weight: int = key("Weight")


@attrs.frozen(kw_only=True)
class Ulimit:
    """One resource limit; -1 is unlimited."""

    name: str = key("Name")
    hard: int = key("Hard")
    soft: int = key("Soft")


@attrs.frozen(kw_only=True)
class BindOptions:
    """Options of a bind mount."""

    propagation: str | None = key("Propagation")
    non_recursive: bool | None = key("NonRecursive")
    create_mountpoint: bool | None = key("CreateMountpoint")
    read_only_non_recursive: bool | None = key("ReadOnlyNonRecursive")
    read_only_force_recursive: bool | None = key("ReadOnlyForceRecursive")


@attrs.frozen(kw_only=True)
class VolumeDriver:
    """Which driver makes a volume that is not there yet (Driver)."""

    name: str | None = key("Name")
    options: dict[str, str] | None = key("Options")


@attrs.frozen(kw_only=True)
class VolumeOptions:
    """Options of a volume mount."""

    no_copy: bool | None = key("NoCopy")
    labels: dict[str, str] | None = key("Labels")
    subpath: str | None = key("Subpath")
    driver: VolumeDriver | None = key("DriverConfig")


@attrs.frozen(kw_only=True)
class ImageOptions:
    """Options of a mount of an image."""

    subpath: str | None = key("Subpath")


@attrs.frozen(kw_only=True)
class TmpfsOptions:
    """Options of a tmpfs mount: bytes, and a file mode."""

    size_bytes: int | None = key("SizeBytes")
    mode: int | None = key("Mode")


@attrs.frozen(kw_only=True)
class Mount:
    """One ``--mount`` (Mount)."""

    type: str = key("Type")
    source: str | None = key("Source")
    target: str = key("Target")
    read_only: bool | None = key("ReadOnly")
    consistency: str | None = key("Consistency")
    bind_options: BindOptions | None = key("BindOptions")
    volume_options: VolumeOptions | None = key("VolumeOptions")
    image_options: ImageOptions | None = key("ImageOptions")
    tmpfs_options: TmpfsOptions | None = key("TmpfsOptions")


@attrs.frozen(kw_only=True)
class RestartPolicy:
    """When the daemon starts it again: no, always, unless-stopped, on-failure."""

    name: str = key("Name")
    maximum_retry_count: int = key("MaximumRetryCount")


@attrs.frozen(kw_only=True)
class HealthCheck:
    """How its health is probed (HealthConfig); durations are nanoseconds."""

    test: list[str] | None = key("Test")
    interval: int | None = key("Interval")
    timeout: int | None = key("Timeout")
    retries: int | None = key("Retries")
    start_period: int | None = key("StartPeriod")
    start_interval: int | None = key("StartInterval")


@attrs.frozen(kw_only=True)
class LogConfig:
    """A logging driver and its options."""

    type: str = key("Type")
    config: dict[str, str] = key("Config")


@attrs.frozen(kw_only=True)
class PortBinding:
    """Where on the host a container's port is published; empty for any."""

    host_ip: str = key("HostIp")
    host_port: str = key("HostPort")


@attrs.frozen(kw_only=True)
class HostConfig:
    """What belongs to the host and not to the image (HostConfig). Sizes are bytes."""

    binds: list[str] | None = key("Binds")
    cidfile: str | None = key("ContainerIDFile")
    log_config: LogConfig | None = key("LogConfig")
    network_mode: str | None = key("NetworkMode")
    port_bindings: dict[str, list[PortBinding]] | None = key("PortBindings")
    publish_all_ports: bool | None = key("PublishAllPorts")
    restart_policy: RestartPolicy | None = key("RestartPolicy")
    auto_remove: bool | None = key("AutoRemove")
    volumes_from: list[str] | None = key("VolumesFrom")
    mounts: list[Mount] | None = key("Mounts")
    console_size: list[int] | None = key("ConsoleSize")
    annotations: dict[str, str] | None = key("Annotations")
    cap_add: list[str] | None = key("CapAdd")
    cap_drop: list[str] | None = key("CapDrop")
    cgroupns_mode: str | None = key("CgroupnsMode")
    cgroup_parent: str | None = key("CgroupParent")
    dns: list[str] | None = key("Dns")
    dns_options: list[str] | None = key("DnsOptions")
    dns_search: list[str] | None = key("DnsSearch")
    extra_hosts: list[str] | None = key("ExtraHosts")
    group_add: list[str] | None = key("GroupAdd")
    ipc_mode: str | None = key("IpcMode")
    oom_score_adj: int | None = key("OomScoreAdj")
    oom_kill_disable: bool | None = key("OomKillDisable")
    pid_mode: str | None = key("PidMode")
    privileged: bool | None = key("Privileged")
    readonly_rootfs: bool | None = key("ReadonlyRootfs")
    security_opt: list[str] | None = key("SecurityOpt")
    tmpfs: dict[str, str] | None = key("Tmpfs")
    uts_mode: str | None = key("UTSMode")
    userns_mode: str | None = key("UsernsMode")
    shm_size: int | None = key("ShmSize")
    sysctls: dict[str, str] | None = key("Sysctls")
    runtime: str | None = key("Runtime")
    cpu_shares: int | None = key("CpuShares")
    cpu_period: int | None = key("CpuPeriod")
    cpu_quota: int | None = key("CpuQuota")
    cpuset_cpus: str | None = key("CpusetCpus")
    cpuset_mems: str | None = key("CpusetMems")
    nano_cpus: int | None = key("NanoCpus")
    memory: int | None = key("Memory")
    memory_reservation: int | None = key("MemoryReservation")
    memory_swap: int | None = key("MemorySwap")
    memory_swappiness: int | None = key("MemorySwappiness")
    blkio_weight: int | None = key("BlkioWeight")
    blkio_weight_device: list[WeightedDevice] | None = key("BlkioWeightDevice")
    device_read_bps: list[ThrottledDevice] | None = key("BlkioDeviceReadBps")
    device_read_iops: list[ThrottledDevice] | None = key("BlkioDeviceReadIOps")
    device_write_bps: list[ThrottledDevice] | None = key("BlkioDeviceWriteBps")
    device_write_iops: list[ThrottledDevice] | None = key("BlkioDeviceWriteIOps")
    kernel_memory: int | None = key("KernelMemory")
    isolation: str | None = key("Isolation")
    links: list[str] | None = key("Links")
    devices: list[Device] | None = key("Devices")
    device_cgroup_rules: list[str] | None = key("DeviceCgroupRules")
    pids_limit: int | None = key("PidsLimit")
    ulimits: list[Ulimit] | None = key("Ulimits")
    init: bool | None = key("Init")
    volume_driver: str | None = key("VolumeDriver")
    storage_opt: dict[str, str] | None = key("StorageOpt")
    cpu_realtime_period: int | None = key("CpuRealtimePeriod")
    cpu_realtime_runtime: int | None = key("CpuRealtimeRuntime")
    masked_paths: list[str] | None = key("MaskedPaths")
    readonly_paths: list[str] | None = key("ReadonlyPaths")


@attrs.frozen(kw_only=True)
class NetworkingConfig:
    """The networks that a container joins at its creation."""

    endpoints: dict[str, Endpoint] | None = key("EndpointsConfig")


@attrs.frozen(kw_only=True)
class CreateRequest:
    """The body of ContainerCreate (ContainerConfig with its HostConfig and NetworkingConfig)."""

    image: str = key("Image")
    hostname: str | None = key("Hostname")
    domainname: str | None = key("Domainname")
    user: str | None = key("User")
    attach_stdin: bool | None = key("AttachStdin")
    attach_stdout: bool | None = key("AttachStdout")
    attach_stderr: bool | None = key("AttachStderr")
    tty: bool | None = key("Tty")
    open_stdin: bool | None = key("OpenStdin")
    stdin_once: bool | None = key("StdinOnce")
    exposed_ports: dict[str, dict[str, str]] | None = key("ExposedPorts")
    env: list[str] | None = key("Env")
    cmd: list[str] | None = key("Cmd")
    entrypoint: list[str] | None = key("Entrypoint")
    volumes: dict[str, dict[str, str]] | None = key("Volumes")
    working_dir: str | None = key("WorkingDir")
    labels: dict[str, str] | None = key("Labels")
    stop_signal: str | None = key("StopSignal")
    stop_timeout: int | None = key("StopTimeout")
    healthcheck: HealthCheck | None = key("Healthcheck")
    host_config: HostConfig | None = key("HostConfig")
    networking_config: NetworkingConfig | None = key("NetworkingConfig")


@attrs.frozen(kw_only=True)
class ExecRequest:
    """The body of ExecCreate."""

    cmd: list[str] = key("Cmd")
    attach_stdin: bool | None = key("AttachStdin")
    attach_stdout: bool | None = key("AttachStdout")
    attach_stderr: bool | None = key("AttachStderr")
    tty: bool | None = key("Tty")
    detach_keys: str | None = key("DetachKeys")
    env: list[str] | None = key("Env")
    user: str | None = key("User")
    working_dir: str | None = key("WorkingDir")
    privileged: bool | None = key("Privileged")
    console_size: list[int] | None = key("ConsoleSize")
