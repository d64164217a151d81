# ruff: noqa: RUF009 - _list() declares an attribute, as attrs.field does
"""The flags that ``run`` and ``create`` have in common, as values: what the user asked for, not yet what it means.

None and empty lists stand for a flag that was not given. No ``from __future__ import annotations`` here: the annotations are
the declarations of the flags. The classes have no slots, because they are put together by inheritance.
"""

from typing import Annotated

import attrs

from pyctl.app.flags import switch, value
from pyctl.app.options import attachment, mounts, values
from pyctl.models.create import Device, Mount, RestartPolicy, ThrottledDevice, Ulimit, WeightedDevice

Text = str | None
Number = int | None


def _list() -> list[str]:
    return attrs.field(factory=list)


@attrs.frozen(kw_only=True, slots=False)
class ProcessFlags:
    """What runs, and what it is connected to."""

    attach: Annotated[list[str], value("--attach", "-a", metavar="list", help="Attach to STDIN, STDOUT or STDERR")] = (
        _list()
    )
    interactive: Annotated[bool, switch("--interactive", "-i", help="Keep STDIN open even if not attached")] = False
    tty: Annotated[bool, switch("--tty", "-t", help="Allocate a pseudo-TTY")] = False
    env: Annotated[list[str], value("--env", "-e", metavar="list", help="Set environment variables")] = _list()
    env_file: Annotated[
        list[str], value("--env-file", metavar="list", help="Read in a file of environment variables")
    ] = _list()
    user: Annotated[Text, value("--user", "-u", help="Username or UID (format: <name|uid>[:<group|gid>])")] = None
    group_add: Annotated[list[str], value("--group-add", metavar="list", help="Add additional groups to join")] = (
        _list()
    )
    workdir: Annotated[Text, value("--workdir", "-w", help="Working directory inside the container")] = None
    entrypoint: Annotated[Text, value("--entrypoint", help="Overwrite the default ENTRYPOINT of the image")] = None
    init: Annotated[
        bool, switch("--init", help="Run an init inside the container that forwards signals and reaps processes")
    ] = False
    stop_signal: Annotated[Text, value("--stop-signal", help="Signal to stop the container")] = None
    stop_timeout: Annotated[
        Number, value("--stop-timeout", metavar="int", help="Timeout (in seconds) to stop a container")
    ] = None
    detach_keys: Annotated[Text, value("--detach-keys", help="Override the key sequence for detaching a container")] = (
        None
    )


@attrs.frozen(kw_only=True, slots=False)
class LimitFlags:
    """How much of the machine it may use, as far as that can be changed while it runs."""

    memory: Annotated[Number, value("--memory", "-m", metavar="bytes", help="Memory limit", read=values.size)] = None
    memory_reservation: Annotated[
        Number, value("--memory-reservation", metavar="bytes", help="Memory soft limit", read=values.size)
    ] = None
    memory_swap: Annotated[
        Number,
        value(
            "--memory-swap",
            metavar="bytes",
            help="Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
            read=values.swap,
        ),
    ] = None
    cpus: Annotated[Number, value("--cpus", metavar="decimal", help="Number of CPUs", read=values.cpus)] = None
    cpu_shares: Annotated[Number, value("--cpu-shares", "-c", metavar="int", help="CPU shares (relative weight)")] = (
        None
    )
    cpu_period: Annotated[Number, value("--cpu-period", metavar="int", help="Limit CPU CFS period")] = None
    cpu_quota: Annotated[Number, value("--cpu-quota", metavar="int", help="Limit CPU CFS quota")] = None
    cpu_rt_period: Annotated[
        Number, value("--cpu-rt-period", metavar="int", help="Limit CPU real-time period in microseconds")
    ] = None
    cpu_rt_runtime: Annotated[
        Number, value("--cpu-rt-runtime", metavar="int", help="Limit CPU real-time runtime in microseconds")
    ] = None
    cpuset_cpus: Annotated[Text, value("--cpuset-cpus", help="CPUs in which to allow execution (0-3, 0,1)")] = None
    cpuset_mems: Annotated[Text, value("--cpuset-mems", help="MEMs in which to allow execution (0-3, 0,1)")] = None
    blkio_weight: Annotated[
        Number, value("--blkio-weight", metavar="uint16", help="Block IO weight, 10 to 1000, or 0 to disable")
    ] = None
    pids_limit: Annotated[
        Number, value("--pids-limit", metavar="int", help="Tune container pids limit (set -1 for unlimited)")
    ] = None


@attrs.frozen(kw_only=True, slots=False)
class ResourceFlags(LimitFlags):
    """All of it."""

    memory_swappiness: Annotated[
        Number, value("--memory-swappiness", metavar="int", help="Tune container memory swappiness (0 to 100)")
    ] = None
    shm_size: Annotated[Number, value("--shm-size", metavar="bytes", help="Size of /dev/shm", read=values.size)] = None
    ulimit: Annotated[list[Ulimit], value("--ulimit", metavar="ulimit", help="Ulimit options", read=values.ulimit)] = (
        attrs.field(factory=list)
    )
    kernel_memory: Annotated[
        Number, value("--kernel-memory", metavar="bytes", help="Kernel memory limit", read=values.size)
    ] = None
    blkio_weight_device: Annotated[
        list[WeightedDevice],
        value(
            "--blkio-weight-device",
            metavar="list",
            help="Block IO weight (relative device weight)",
            read=values.weighted_device,
        ),
    ] = attrs.field(factory=list)
    device_read_bps: Annotated[
        list[ThrottledDevice],
        value(
            "--device-read-bps",
            metavar="list",
            help="Limit read rate (bytes per second) from a device",
            read=values.bytes_of_device,
        ),
    ] = attrs.field(factory=list)
    device_read_iops: Annotated[
        list[ThrottledDevice],
        value(
            "--device-read-iops",
            metavar="list",
            help="Limit read rate (IO per second) from a device",
            read=values.operations_of_device,
        ),
    ] = attrs.field(factory=list)
    device_write_bps: Annotated[
        list[ThrottledDevice],
        value(
            "--device-write-bps",
            metavar="list",
            help="Limit write rate (bytes per second) to a device",
            read=values.bytes_of_device,
        ),
    ] = attrs.field(factory=list)
    device_write_iops: Annotated[
        list[ThrottledDevice],
        value(
            "--device-write-iops",
            metavar="list",
            help="Limit write rate (IO per second) to a device",
            read=values.operations_of_device,
        ),
    ] = attrs.field(factory=list)
    oom_kill_disable: Annotated[bool, switch("--oom-kill-disable", help="Disable OOM Killer")] = False
    oom_score_adj: Annotated[
        Number, value("--oom-score-adj", metavar="int", help="Tune host's OOM preferences (-1000 to 1000)")
    ] = None
    cgroup_parent: Annotated[Text, value("--cgroup-parent", help="Optional parent cgroup for the container")] = None


@attrs.frozen(kw_only=True, slots=False)
class IsolationFlags:
    """What it may do, and what it shares with the host."""

    privileged: Annotated[bool, switch("--privileged", help="Give extended privileges to this container")] = False
    cap_add: Annotated[list[str], value("--cap-add", metavar="list", help="Add Linux capabilities")] = _list()
    cap_drop: Annotated[list[str], value("--cap-drop", metavar="list", help="Drop Linux capabilities")] = _list()
    security_opt: Annotated[list[str], value("--security-opt", metavar="list", help="Security Options")] = _list()
    device: Annotated[
        list[Device], value("--device", metavar="list", help="Add a host device to the container", read=values.device)
    ] = attrs.field(factory=list)
    device_cgroup_rule: Annotated[
        list[str],
        value("--device-cgroup-rule", metavar="list", help="Add a rule to the cgroup allowed devices list"),
    ] = _list()
    sysctl: Annotated[list[str], value("--sysctl", metavar="map", help="Sysctl options")] = _list()
    pid: Annotated[Text, value("--pid", help="PID namespace to use")] = None
    ipc: Annotated[Text, value("--ipc", help="IPC mode to use")] = None
    uts: Annotated[Text, value("--uts", help="UTS namespace to use")] = None
    userns: Annotated[Text, value("--userns", help="User namespace to use")] = None
    cgroupns: Annotated[Text, value("--cgroupns", help="Cgroup namespace to use (host|private)")] = None
    isolation: Annotated[Text, value("--isolation", help="Container isolation technology")] = None
    runtime: Annotated[Text, value("--runtime", help="Runtime to use for this container")] = None


@attrs.frozen(kw_only=True, slots=False)
class StorageFlags:
    """What it sees of files."""

    read_only: Annotated[bool, switch("--read-only", help="Mount the container's root filesystem as read only")] = False
    volume: Annotated[list[str], value("--volume", "-v", metavar="list", help="Bind mount a volume")] = _list()
    volume_driver: Annotated[Text, value("--volume-driver", help="Optional volume driver for the container")] = None
    volumes_from: Annotated[
        list[str], value("--volumes-from", metavar="list", help="Mount volumes from the specified container(s)")
    ] = _list()
    mount: Annotated[
        list[Mount],
        value("--mount", metavar="mount", help="Attach a filesystem mount to the container", read=mounts.mount),
    ] = attrs.field(factory=list)
    tmpfs: Annotated[list[str], value("--tmpfs", metavar="list", help="Mount a tmpfs directory")] = _list()
    storage_opt: Annotated[
        list[str], value("--storage-opt", metavar="list", help="Storage driver options for the container")
    ] = _list()


@attrs.frozen(kw_only=True, slots=False)
class NetworkFlags:
    """Who it can talk to, and under which name."""

    network: Annotated[
        list[str],
        value(
            "--network", "--net", metavar="network", help="Connect a container to a network", read=attachment.network
        ),
    ] = _list()
    network_alias: Annotated[
        list[str],
        value("--network-alias", "--net-alias", metavar="list", help="Add network-scoped alias for the container"),
    ] = _list()
    ip: Annotated[Text, value("--ip", help="IPv4 address (e.g., 172.30.100.104)")] = None
    ip6: Annotated[Text, value("--ip6", help="IPv6 address (e.g., 2001:db8::33)")] = None
    link: Annotated[
        list[str], value("--link", metavar="list", help="Add link to another container", read=values.link)
    ] = _list()
    link_local_ip: Annotated[
        list[str], value("--link-local-ip", metavar="list", help="Container IPv4/IPv6 link-local addresses")
    ] = _list()
    mac_address: Annotated[Text, value("--mac-address", help="Container MAC address (e.g., 92:d0:c6:0a:29:33)")] = None
    publish: Annotated[
        list[str], value("--publish", "-p", metavar="list", help="Publish a container's port(s) to the host")
    ] = _list()
    publish_all: Annotated[bool, switch("--publish-all", "-P", help="Publish all exposed ports to random ports")] = (
        False
    )
    expose: Annotated[list[str], value("--expose", metavar="list", help="Expose a port or a range of ports")] = _list()
    hostname: Annotated[Text, value("--hostname", "-h", help="Container host name")] = None
    domainname: Annotated[Text, value("--domainname", help="Container NIS domain name")] = None
    dns: Annotated[list[str], value("--dns", metavar="list", help="Set custom DNS servers")] = _list()
    dns_option: Annotated[list[str], value("--dns-option", "--dns-opt", metavar="list", help="Set DNS options")] = (
        _list()
    )
    dns_search: Annotated[list[str], value("--dns-search", metavar="list", help="Set custom DNS search domains")] = (
        _list()
    )
    add_host: Annotated[
        list[str], value("--add-host", metavar="list", help="Add a custom host-to-IP mapping (host:ip)")
    ] = _list()


@attrs.frozen(kw_only=True, slots=False)
class RecordFlags:
    """How the daemon keeps it."""

    name: Annotated[Text, value("--name", help="Assign a name to the container")] = None
    label: Annotated[list[str], value("--label", "-l", metavar="list", help="Set meta data on a container")] = _list()
    label_file: Annotated[
        list[str], value("--label-file", metavar="list", help="Read in a line delimited file of labels")
    ] = _list()
    annotation: Annotated[
        list[str], value("--annotation", metavar="map", help="Add an annotation to the container")
    ] = _list()
    log_driver: Annotated[Text, value("--log-driver", help="Logging driver for the container")] = None
    log_opt: Annotated[list[str], value("--log-opt", metavar="list", help="Log driver options")] = _list()
    rm: Annotated[bool, switch("--rm", help="Automatically remove the container when it exits")] = False
    restart: Annotated[
        RestartPolicy | None,
        value("--restart", help="Restart policy to apply when a container exits", read=values.restart),
    ] = None
    cidfile: Annotated[Text, value("--cidfile", help="Write the container ID to the file")] = None
    pull: Annotated[str, value("--pull", help='Pull image before running ("always", "missing", "never")')] = "missing"
    quiet: Annotated[bool, switch("--quiet", "-q", help="Suppress the pull output")] = False
    disable_content_trust: Annotated[
        bool,
        switch(
            "--disable-content-trust/--no-disable-content-trust",
            help="Skip image verification (default true); nothing is verified by signatures here",
        ),
    ] = True
    platform: Annotated[Text, value("--platform", help="Set platform if server is multi-platform capable")] = None


@attrs.frozen(kw_only=True, slots=False)
class HealthFlags:
    """How to tell whether it works; durations are nanoseconds."""

    health_cmd: Annotated[Text, value("--health-cmd", help="Command to run to check health")] = None
    health_interval: Annotated[
        Number,
        value(
            "--health-interval",
            metavar="duration",
            help="Time between running the check (ms|s|m|h) (default 0s)",
            read=values.nanoseconds,
        ),
    ] = None
    health_timeout: Annotated[
        Number,
        value(
            "--health-timeout",
            metavar="duration",
            help="Maximum time to allow one check to run (ms|s|m|h) (default 0s)",
            read=values.nanoseconds,
        ),
    ] = None
    health_start_period: Annotated[
        Number,
        value(
            "--health-start-period",
            metavar="duration",
            help="Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
            read=values.nanoseconds,
        ),
    ] = None
    health_start_interval: Annotated[
        Number,
        value(
            "--health-start-interval",
            metavar="duration",
            help="Time between running the check during the start period (ms|s|m|h) (default 0s)",
            read=values.nanoseconds,
        ),
    ] = None
    health_retries: Annotated[
        Number, value("--health-retries", metavar="int", help="Consecutive failures needed to report unhealthy")
    ] = None
    no_healthcheck: Annotated[bool, switch("--no-healthcheck", help="Disable any container-specified HEALTHCHECK")] = (
        False
    )


@attrs.frozen(kw_only=True, slots=False)
class ContainerFlags(ProcessFlags, ResourceFlags, IsolationFlags, StorageFlags, NetworkFlags, HealthFlags, RecordFlags):
    """All of them."""
