"""The settings of a daemon, with dockerd's names and meanings. Source: dockerd(8) and its documentation of ``daemon.json``.

Where dockerd has an option that means nothing here, it is among :mod:`pydockerd.config.refused`; nothing is ignored.
"""

# ruff: noqa: RUF009 - option() makes attrs' fields

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import frozen

from pydockerd.config import checks
from pydockerd.config.kinds import (
    Address,
    Always,
    Boolean,
    Integer,
    Pairs,
    Parsed,
    Several,
    Switches,
    Text,
    absolute,
    one_of,
    size,
)
from pydockerd.config.option import option, options_of
from pydockerd.config.structures import AddressPool, DefaultUlimit, NetworkOptions, Pools, Runtimes, Ulimits

DEFAULT_HOST = "unix:///run/pydockerd.sock"
DEFAULT_EXEC_ROOT = Path("/run/pydockerd")
LOG_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "panic")
RUNTIMES = ("pyrunc", "runc", "io.containerd.runc.v2")
"""The names by which a container may ask for the one runtime there is."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@frozen(kw_only=True)
class TlsSettings:
    """How clients on TCP are to prove themselves; None is what nobody has said."""

    enabled: bool | None = option("tls", Boolean(), "use TLS; implied by --tlsverify", default=None)
    verify: bool | None = option(
        "tlsverify", Boolean(), "use TLS, and let in only clients with a certificate by --tlscacert", default=None
    )
    authority: Path = option(
        "tlscacert", Parsed(absolute), "who vouches for clients", default=Path("/root/.docker/ca.pem"), metavar="FILE"
    )
    certificate: Path = option(
        "tlscert", Parsed(absolute), "the daemon's certificate", default=Path("/root/.docker/cert.pem"), metavar="FILE"
    )
    key: Path = option("tlskey", Parsed(absolute), "its key", default=Path("/root/.docker/key.pem"), metavar="FILE")


@frozen(kw_only=True)
class ContainerDefaults:
    """What containers get that ask for nothing else."""

    log_driver: str = option(
        "log-driver", Text(checks.log_driver), "where their output goes", default="json-file", metavar="DRIVER"
    )
    log_opts: Mapping[str, str] = option(
        "log-opts", Pairs(), "options of the log driver", default=_NOTHING, flag="log-opt", metavar="NAME=VALUE"
    )
    ulimits: Mapping[str, DefaultUlimit] = option(
        "default-ulimits",
        Ulimits(),
        "their limits",
        default=_NOTHING,
        flag="default-ulimit",
        metavar="NAME=SOFT:HARD",
    )
    shm_size: int = option(
        "default-shm-size", Parsed(size), "the size of their /dev/shm", default=64 << 20, metavar="BYTES"
    )
    runtime: str = option(
        "default-runtime",
        Text(checks.runtime(RUNTIMES)),
        "what runs them: pyrunc",
        default="pyrunc",
        reloads=True,
        metavar="NAME",
    )
    ipc_mode: str = option(
        "default-ipc-mode",
        Text(checks.ipc_mode),
        "whose shared memory they see: private or shareable",
        default="private",
        metavar="MODE",
    )
    cgroupns_mode: str = option(
        "default-cgroupns-mode",
        Text(one_of("host", "private")),
        "whose cgroups they see: private or host",
        default="private",
        metavar="MODE",
    )
    init: bool = option("init", Boolean(), "whether they get a process 1 that reaps", default=False)
    no_new_privileges: bool = option(
        "no-new-privileges", Boolean(), "whether they are kept from gaining privileges", default=False
    )
    seccomp_profile: str = option(
        "seccomp-profile",
        Text(checks.seccomp_profile),
        "their seccomp profile: a file, builtin or unconfined",
        default="",
        metavar="FILE",
    )


@frozen(kw_only=True)
class NetworkSettings:
    """Networks, for `pydockerd.network`."""

    bridge: str = option("bridge", Text(), "the default bridge's link, or none", default="", letter="b", metavar="NAME")
    bip: IPv4Interface | None = option(
        "bip", Parsed(IPv4Interface), "the default bridge's address and subnet", default=None, metavar="CIDR"
    )
    bip6: IPv6Interface | None = option("bip6", Parsed(IPv6Interface), "the same of IPv6", default=None, metavar="CIDR")
    fixed_cidr: IPv4Network | None = option(
        "fixed-cidr", Parsed(IPv4Network), "where its containers' addresses are from", default=None, metavar="CIDR"
    )
    fixed_cidr_v6: IPv6Network | None = option(
        "fixed-cidr-v6", Parsed(IPv6Network), "the same of IPv6", default=None, metavar="CIDR"
    )
    default_gateway: IPv4Address | None = option(
        "default-gateway", Parsed(IPv4Address), "the gateway of its containers", default=None, metavar="ADDRESS"
    )
    default_gateway_v6: IPv6Address | None = option(
        "default-gateway-v6", Parsed(IPv6Address), "the same of IPv6", default=None, metavar="ADDRESS"
    )
    default_address_pools: tuple[AddressPool, ...] = option(
        "default-address-pools",
        Pools(),
        "where the subnets of networks are taken from",
        default=(),
        flag="default-address-pool",
        metavar="base=CIDR,size=BITS",
    )
    default_network_opts: Mapping[str, Mapping[str, str]] = option(
        "default-network-opts",
        NetworkOptions(),
        "options of new networks",
        default=_NOTHING,
        flag="default-network-opt",
        metavar="DRIVER=NAME=VALUE",
    )
    dns: tuple[Address, ...] = option(
        "dns", Several(ip_address), "name servers of containers", default=(), metavar="ADDRESS"
    )
    dns_opts: tuple[str, ...] = option(
        "dns-opts", Several(str), "options of their resolvers", default=(), flag="dns-opt", metavar="OPTION"
    )
    dns_search: tuple[str, ...] = option(
        "dns-search", Several(checks.domain), "where names without a dot are looked up", default=(), metavar="DOMAIN"
    )
    host_gateway_ips: tuple[Address, ...] = option(
        "host-gateway-ips",
        Several(ip_address, commas=True),
        "what host-gateway stands for in --add-host",
        default=(),
        flag="host-gateway-ip",
        metavar="ADDRESS",
    )
    icc: bool = option("icc", Boolean(), "whether containers on the default bridge reach each other", default=True)
    ip: Address = option(
        "ip",
        Parsed(ip_address),
        "where ports are published, unless said otherwise",
        default=IPv4Address("0.0.0.0"),  # noqa: S104 - dockerd's default
        metavar="ADDRESS",
    )
    ip_forward: bool = option("ip-forward", Boolean(), "whether the machine is made to route", default=True)
    ip_forward_no_drop: bool = option(
        "ip-forward-no-drop",
        Always(True, "packets of others are never dropped"),
        "always so: others' packets are forwarded then, too",
        default=True,
    )
    ip_masq: bool = option("ip-masq", Boolean(), "whether the default bridge is masqueraded", default=True)
    iptables: bool = option("iptables", Boolean(), "whether packet rules are made, of IPv4 and of IPv6", default=True)
    ip6tables: bool = option(
        "ip6tables",
        Always(True, "one set of rules is for both: iptables switches it off"),
        "always so: the rules of iptables are for both",
        default=True,
    )
    ipv6: bool = option("ipv6", Boolean(), "whether the default bridge has IPv6", default=False)
    mtu: int = option("mtu", Integer(0), "the default bridge's MTU; 0 is the usual", default=0, metavar="BYTES")
    userland_proxy: bool = option(
        "userland-proxy", Boolean(), "whether published ports are reached over loopback", default=True
    )
    allow_direct_routing: bool = option(
        "allow-direct-routing",
        Always(
            False,
            "others reach containers by published ports; a network with gateway_mode routed or nat-unprotected is open to them",
        ),
        "refused: see gateway_mode of single networks",
        default=False,
    )


@frozen(kw_only=True)
class Settings:
    """All of it. A daemon's own settings are here, those of a group in it."""

    data_root: Path = option(
        "data-root",
        Parsed(absolute),
        "what outlives a reboot: images, containers",
        default=Path("/var/lib/pydockerd"),
        metavar="DIRECTORY",
    )
    exec_root: Path = option(
        "exec-root",
        Parsed(absolute),
        "what does not: the state of running containers",
        default=DEFAULT_EXEC_ROOT,
        metavar="DIRECTORY",
    )
    hosts: tuple[str, ...] = option(
        "hosts",
        Several(checks.host),
        "where to listen: unix://PATH, tcp://ADDRESS:PORT, fd://",
        default=(DEFAULT_HOST,),
        flag="host",
        letter="H",
        metavar="ADDRESS",
    )
    pidfile: Path | None = option(
        "pidfile",
        Parsed(absolute),
        "where to write the pid",
        default=Path("/run/pydockerd.pid"),
        letter="p",
        metavar="FILE",
    )
    group: str | None = option(
        "group",
        Parsed(str),
        "the group that may use the socket, beside root",
        default=None,
        letter="G",
        metavar="GROUP",
    )
    debug: bool = option("debug", Boolean(), "the same as --log-level=debug", default=False, letter="D", reloads=True)
    log_level: str = option(
        "log-level", Text(one_of(*LOG_LEVELS)), "what is logged", default="info", letter="l", metavar="LEVEL"
    )
    log_format: str = option(
        "log-format", Text(one_of("text", "json")), "how: text or json", default="text", metavar="FORMAT"
    )
    raw_logs: bool = option(
        "raw-logs", Always(True, "what is logged never has colours, and always whole times"), "always so", default=True
    )
    cgroup_parent: str = option(
        "cgroup-parent", Text(), "the cgroup above all containers", default="/pydockerd", metavar="PATH"
    )
    exec_opts: tuple[str, ...] = option(
        "exec-opts",
        Several(checks.exec_opt),
        "native.cgroupdriver=cgroupfs",
        default=(),
        flag="exec-opt",
        metavar="NAME=VALUE",
    )
    storage_driver: str = option(
        "storage-driver",
        Text(checks.storage_driver),
        "what makes file systems: overlay2, or vfs, which copies",
        default="overlay2",
        letter="s",
        metavar="DRIVER",
    )
    runtimes: Mapping[str, str] = option(
        "runtimes",
        Runtimes(),
        "refused: there is only pyrunc",
        default=_NOTHING,
        flag="add-runtime",
        reloads=True,
        metavar="NAME=PATH",
    )
    userns_remap: str = option(
        "userns-remap", Text(), "the user whose subordinate ids containers have", default="", metavar="USER[:GROUP]"
    )
    labels: tuple[str, ...] = option(
        "labels",
        Several(checks.label),
        "what is told of the daemon",
        default=(),
        flag="label",
        reloads=True,
        metavar="KEY=VALUE",
    )
    features: Mapping[str, bool] = option(
        "features",
        Switches(checks.feature),
        "what is switched on or off: cdi",
        default=_NOTHING,
        flag="feature",
        reloads=True,
        metavar="NAME=true|false",
    )
    experimental: bool = option("experimental", Boolean(), "whether clients are told so", default=False)
    live_restore: bool = option(
        "live-restore",
        Always(True, "containers go on running whenever pydockerd stops"),
        "always so",
        default=True,
        reloads=True,
    )
    selinux_enabled: bool = option(
        "selinux-enabled", Always(False, "SELinux is not supported"), "refused", default=False
    )
    shutdown_timeout: int = option(
        "shutdown-timeout",
        Integer(-1),
        "seconds that requests may go on for once the daemon is to stop; -1 is any",
        default=5,
        reloads=True,
        metavar="SECONDS",
    )
    registry_mirrors: tuple[str, ...] = option(
        "registry-mirrors",
        Several(checks.mirror),
        "asked before docker.io; in this order",
        default=(),
        flag="registry-mirror",
        reloads=True,
        metavar="URL",
    )
    insecure_registries: tuple[str, ...] = option(
        "insecure-registries",
        Several(checks.insecure_registry),
        "registries whose certificates are not checked (this machine's own never are)",
        default=(),
        flag="insecure-registry",
        reloads=True,
        metavar="HOST|CIDR",
    )
    max_concurrent_downloads: int = option(
        "max-concurrent-downloads",
        Integer(1),
        "layers of a pull at once",
        default=4,
        reloads=True,
        metavar="NUMBER",
    )
    max_concurrent_uploads: int = option(
        "max-concurrent-uploads", Integer(1), "layers of a push at once", default=5, reloads=True, metavar="NUMBER"
    )
    max_download_attempts: int = option(
        "max-download-attempts", Integer(1), "how often a layer is tried", default=5, reloads=True, metavar="NUMBER"
    )
    metrics_addr: str = option(
        "metrics-addr", Text(checks.metrics_address), "where metrics are served", default="", metavar="ADDRESS:PORT"
    )
    authorization_plugins: tuple[str, ...] = option(
        "authorization-plugins",
        Several(str),
        "who is asked whether a request is allowed, in this order",
        default=(),
        flag="authorization-plugin",
        reloads=True,
        metavar="NAME",
    )
    cdi_spec_dirs: tuple[Path, ...] = option(
        "cdi-spec-dirs",
        Several(absolute),
        "where CDI describes devices; later ones first",
        default=(Path("/etc/cdi"), Path("/var/run/cdi")),
        flag="cdi-spec-dir",
        metavar="DIRECTORY",
    )
    tls: TlsSettings = options_of(TlsSettings)
    defaults: ContainerDefaults = options_of(ContainerDefaults)
    network: NetworkSettings = options_of(NetworkSettings)

    @property
    def level(self) -> str:
        """What is logged, all told."""
        return "debug" if self.debug else self.log_level

    def has_feature(self, name: str, default: bool) -> bool:
        """Whether something is switched on."""
        return self.features.get(name, default)
