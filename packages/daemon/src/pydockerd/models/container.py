"""Containers as the API shows them: in lists, in full, and what the operations on one answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from pydockerd.models.container_config import Config
from pydockerd.models.create import EndpointIpam
from pydockerd.models.host_config import HostConfig, PortBinding
from pydockerd.models.wire import wire


@frozen(kw_only=True)
class EndpointView:
    """How a container is on one network. ``none`` and ``host`` give it no address of its own."""

    ipam_config: EndpointIpam | None = wire("IPAMConfig", default=None)  # noqa: RUF009
    links: tuple[str, ...] | None = None
    aliases: tuple[str, ...] | None = None
    mac_address: str = ""
    driver_opts: Mapping[str, str] | None = None
    gw_priority: int = 0
    network_id: str = wire("NetworkID", default="")
    endpoint_id: str = wire("EndpointID", default="")
    gateway: str = ""
    ip_address: str = wire("IPAddress", default="")
    ip_prefix_len: int = wire("IPPrefixLen", default=0)
    ipv6_gateway: str = wire("IPv6Gateway", default="")
    global_ipv6_address: str = wire("GlobalIPv6Address", default="")
    global_ipv6_prefix_len: int = wire("GlobalIPv6PrefixLen", default=0)
    dns_names: tuple[str, ...] | None = wire("DNSNames", default=None)


@frozen(kw_only=True)
class NetworkSettings:
    """Source: definition NetworkSettings; the first two are what clients of before 1.5x look for."""

    bridge: str = ""
    ip_address: str = wire("IPAddress", default="")
    sandbox_id: str = wire("SandboxID", default="")
    sandbox_key: str = ""
    ports: Mapping[str, tuple[PortBinding, ...] | None] = field(factory=dict)
    networks: Mapping[str, EndpointView] = field(factory=dict)


@frozen(kw_only=True)
class MountPoint:
    """A mount of a container. Source: definition MountPoint."""

    type: str
    name: str = wire(default="", omit_empty=True)
    source: str = ""
    destination: str
    driver: str = wire(default="", omit_empty=True)
    mode: str = ""
    rw: bool = wire("RW", default=True)
    propagation: str = ""


@frozen(kw_only=True)
class PortSummary:
    """A port, and where it is published. Source: definition PortSummary."""

    ip: str = wire("IP", default="", omit_empty=True)
    private_port: int
    public_port: int = wire(default=0, omit_empty=True)
    type: str


@frozen(kw_only=True)
class NetworkModeOnly:
    """What a list shows of HostConfig."""

    network_mode: str


@frozen(kw_only=True)
class NetworksOnly:
    """What a list shows of NetworkSettings."""

    networks: Mapping[str, EndpointView]


@frozen(kw_only=True)
class HealthSummary:
    """What a list shows of it, from 1.52 on."""

    status: str
    failing_streak: int


@frozen(kw_only=True)
class ContainerSummary:
    """One container in a list; the sizes (bytes) only when they were asked for. Source: definition ContainerSummary."""

    id: str
    names: tuple[str, ...]
    image: str
    image_id: str = wire("ImageID")
    command: str
    created: int
    ports: tuple[PortSummary, ...] = ()
    size_rw: int | None = wire(default=None, omit_none=True)
    size_root_fs: int | None = wire(default=None, omit_none=True)
    labels: Mapping[str, str]
    state: str
    status: str
    host_config: NetworkModeOnly
    network_settings: NetworksOnly
    mounts: tuple[MountPoint, ...] = ()
    health: HealthSummary | None = wire(default=None, omit_none=True)  # noqa: RUF009


@frozen(kw_only=True)
class HealthcheckResult:
    """One probe. Source: definition HealthcheckResult."""

    start: str
    end: str
    exit_code: int
    output: str


@frozen(kw_only=True)
class Health:
    """Source: definition Health."""

    status: str
    failing_streak: int
    log: tuple[HealthcheckResult, ...]


@frozen(kw_only=True)
class ContainerState:
    """Source: definition ContainerState."""

    status: str
    running: bool
    paused: bool
    restarting: bool = False
    oom_killed: bool = wire("OOMKilled", default=False)
    dead: bool = False
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str
    finished_at: str
    health: Health | None = wire(default=None, omit_none=True)  # noqa: RUF009


@frozen(kw_only=True)
class DriverData:
    """Which driver holds a file system, and what it says about it."""

    name: str
    data: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class ContainerInspect:
    """One container in full. Source: definition ContainerInspectResponse."""

    id: str
    created: datetime
    path: str
    args: tuple[str, ...]
    state: ContainerState
    image: str
    resolv_conf_path: str = ""
    hostname_path: str = ""
    hosts_path: str = ""
    log_path: str = ""
    name: str
    restart_count: int = 0
    driver: str
    platform: str = "linux"
    mount_label: str = ""
    process_label: str = ""
    app_armor_profile: str = ""
    exec_ids: tuple[str, ...] | None = wire("ExecIDs", default=None)
    host_config: HostConfig
    graph_driver: DriverData
    size_rw: int | None = wire(default=None, omit_none=True)
    size_root_fs: int | None = wire(default=None, omit_none=True)
    mounts: tuple[MountPoint, ...] = ()
    config: Config
    network_settings: NetworkSettings


@frozen(kw_only=True)
class Created:
    """Source: definition ContainerCreateResponse."""

    id: str
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class Change:
    """What a container has done to one file: 0 modified, 1 added, 2 deleted. Source: definition FilesystemChange."""

    path: str
    kind: int


@frozen(kw_only=True)
class PathStatView:
    """A file of a container; ``mode`` has Go's bits. Source: the header X-Docker-Container-Path-Stat of ContainerArchiveInfo."""

    name: str = wire("name")
    size: int = wire("size")
    mode: int = wire("mode")
    mtime: str = wire("mtime")
    link_target: str = wire("linkTarget")


@frozen(kw_only=True)
class Committed:
    """The image that was made of a container. Source: definition IDResponse."""

    id: str


@frozen(kw_only=True)
class Updated:
    """Source: definition ContainerUpdateResponse."""

    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class WaitError:
    """Why a wait has no exit code of the process."""

    message: str


@frozen(kw_only=True)
class Waited:
    """Source: definition ContainerWaitResponse."""

    status_code: int
    error: WaitError | None = wire(default=None, omit_none=True)  # noqa: RUF009


@frozen(kw_only=True)
class Top:
    """Source: definition ContainerTopResponse."""

    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


@frozen(kw_only=True)
class Pruned:
    """Answer of ContainerPrune."""

    containers_deleted: tuple[str, ...]
    space_reclaimed: int
