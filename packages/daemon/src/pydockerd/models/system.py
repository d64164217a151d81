"""The daemon and its machine as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class Platform:
    """The product's name."""

    name: str = "pydockerd"


@frozen(kw_only=True)
class Component:
    """One part of the stack and its version."""

    name: str
    version: str
    details: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Version:
    """Source: definition SystemVersion. There is no Go in it; clients print what stands there."""

    platform: Platform = field(factory=Platform)
    components: tuple[Component, ...]
    version: str
    api_version: str
    min_api_version: str = wire("MinAPIVersion")
    git_commit: str = ""
    go_version: str = ""
    os: str = "linux"
    arch: str
    kernel_version: str
    experimental: bool = False
    build_time: str = ""


@frozen(kw_only=True)
class Plugins:
    """What there is of each kind of plugin."""

    volume: tuple[str, ...] = ("local",)
    network: tuple[str, ...] = ("host", "null")
    authorization: tuple[str, ...] | None = None
    log: tuple[str, ...] = ("json-file", "local", "none")


@frozen(kw_only=True)
class IndexInfo:
    """How one registry is reached. Source: definition IndexInfo."""

    name: str
    mirrors: tuple[str, ...] = ()
    secure: bool
    official: bool


@frozen(kw_only=True)
class AddressPoolInfo:
    """Where subnets of networks are taken from."""

    base: str
    size: int


@frozen(kw_only=True)
class RegistryConfig:
    """Source: definition RegistryServiceConfig."""

    insecure_registry_cidrs: tuple[str, ...] = wire("InsecureRegistryCIDRs", default=("127.0.0.0/8", "::1/128"))
    index_configs: Mapping[str, IndexInfo] = field(factory=dict)
    mirrors: tuple[str, ...] = ()


@frozen(kw_only=True)
class Swarm:
    """Source: definition SwarmInfo, of a daemon that is in none."""

    node_id: str = wire("NodeID", default="")
    node_addr: str = ""
    local_node_state: str = "inactive"
    control_available: bool = False
    error: str = ""
    remote_managers: None = None


@frozen(kw_only=True)
class Commit:
    """Source: definition Commit."""

    id: str = wire("ID", default="")


@frozen(kw_only=True)
class RuntimePath:
    """Source: definition Runtime."""

    path: str = wire("path")


@frozen(kw_only=True)
class Info:
    """Source: definition SystemInfo."""

    id: str = wire("ID")
    containers: int
    containers_running: int
    containers_paused: int
    containers_stopped: int
    images: int
    driver: str
    driver_status: tuple[tuple[str, str], ...] = ()
    docker_root_dir: str
    plugins: Plugins = field(factory=Plugins)
    memory_limit: bool = True
    swap_limit: bool
    cpu_cfs_period: bool = True
    cpu_cfs_quota: bool = True
    cpu_shares: bool = wire("CPUShares", default=True)
    cpu_set: bool = wire("CPUSet", default=True)
    pids_limit: bool = True
    oom_kill_disable: bool
    ipv4_forwarding: bool = wire("IPv4Forwarding")
    debug: bool
    n_fd: int = wire("NFd")
    n_goroutines: int
    """Clients print it; here it counts asyncio's tasks."""
    system_time: str
    logging_driver: str = "json-file"
    cgroup_driver: str = "cgroupfs"
    cgroup_version: str
    n_events_listener: int = 0
    kernel_version: str
    operating_system: str
    os_version: str = wire("OSVersion")
    os_type: str = wire("OSType", default="linux")
    architecture: str
    index_server_address: str = "https://index.docker.io/v1/"
    registry_config: RegistryConfig = field(factory=RegistryConfig)
    ncpu: int = wire("NCPU")
    mem_total: int
    generic_resources: None = None
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    name: str
    labels: tuple[str, ...] = ()
    experimental_build: bool = False
    server_version: str
    runtimes: Mapping[str, RuntimePath]
    default_runtime: str = "pyrunc"
    swarm: Swarm = field(factory=Swarm)
    live_restore_enabled: bool = True
    isolation: str = ""
    init_binary: str = ""
    containerd_commit: Commit = field(factory=Commit)
    runc_commit: Commit = field(factory=Commit)
    init_commit: Commit = field(factory=Commit)
    security_options: tuple[str, ...]
    cdi_spec_dirs: tuple[str, ...] = wire("CDISpecDirs", default=())
    default_address_pools: tuple[AddressPoolInfo, ...] = wire(default=(), omit_empty=True)
    warnings: tuple[str, ...] | None = None


@frozen(kw_only=True)
class Actor:
    """What an event happened to."""

    id: str = wire("ID")
    attributes: Mapping[str, str]


@frozen(kw_only=True)
class EventMessage:
    """Source: definition EventMessage. The first three are what clients of before API 1.22 read, and dockerd sent them until 1.51."""

    old_status: str = wire("status", default="", omit_empty=True)
    old_id: str = wire("id", default="", omit_empty=True)
    old_from: str = wire("from", default="", omit_empty=True)
    type: str
    action: str
    actor: Actor
    scope: str = wire("scope", default="local")
    time: int = wire("time")
    time_nano: int = wire("timeNano")
