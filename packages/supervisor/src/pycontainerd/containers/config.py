"""What a container is to be: the whole of what its creator decides, immutable and serialisable.

Field names are docker's ``Config`` and ``HostConfig`` in Python's spelling. ``None`` always means "not said": the image's value or the
default is taken. Sizes are bytes, times are seconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from pycontainerd.containers.health import HealthCheck
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.logs.config import LogConfig


@frozen(kw_only=True)
class BindMount:
    """A file or directory of the host at ``target``.

    ``options`` are mount(8) words: ``ro``, ``rw``, ``rprivate``, ``rshared``, ``rslave``, ``nosuid``, ``noexec``, ``bind`` (not recursive)...
    ``create_source`` makes a missing source directory, as ``docker run -v`` (and not ``--mount``) does.
    """

    source: str
    target: str
    options: tuple[str, ...] = ()
    create_source: bool = False


@frozen(kw_only=True)
class TmpfsMount:
    """A tmpfs at ``target``. ``options`` are those of tmpfs(5) and the per-mount flags: ``size=64m``, ``mode=1777``, ``exec``."""

    target: str
    options: tuple[str, ...] = ()


@frozen(kw_only=True)
class Device:
    """A device node of the host, and what the devices cgroup allows on it (a subset of ``rwm``)."""

    source: str
    target: str
    permissions: str = "rwm"


@frozen(kw_only=True)
class Hook:
    """A program of the host that the runtime runs at ``point``, named as in the runtime specification (``createContainer``).

    ``args`` include its name; ``timeout`` is in seconds.
    """

    point: str
    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


@frozen(kw_only=True)
class IdMapping:
    """``size`` ids from ``container_id`` in the container are those from ``host_id`` on the machine (user_namespaces(7))."""

    container_id: int
    host_id: int
    size: int


@frozen(kw_only=True)
class Ulimit:
    """A resource limit: ``name`` as in docker's ``--ulimit`` (``nofile``, ``core``...); -1 is no limit."""

    name: str
    soft: int
    hard: int


@frozen(kw_only=True)
class BlockLimit:
    """A limit on one block device of the host, named by its node: bytes or operations a second, or a weight."""

    source: str
    value: int


@frozen(kw_only=True)
class Resources:
    """cgroup limits, in docker's units. None: no limit is set.

    ``memory_swap`` is memory plus swap, -1 for unlimited. ``nano_cpus`` are billionths of a CPU and exclude ``cpu_quota``/``cpu_period``
    (microseconds, as the two of real time are).
    """

    memory: int | None = None
    memory_swap: int | None = None
    memory_reservation: int | None = None
    memory_swappiness: int | None = None
    cpu_shares: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    nano_cpus: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    pids_limit: int | None = None
    blkio_weight: int | None = None
    oom_kill_disable: bool | None = None
    cpu_realtime_period: int | None = None
    cpu_realtime_runtime: int | None = None
    blkio_weights: tuple[BlockLimit, ...] = ()
    blkio_read_bps: tuple[BlockLimit, ...] = ()
    blkio_write_bps: tuple[BlockLimit, ...] = ()
    blkio_read_iops: tuple[BlockLimit, ...] = ()
    blkio_write_iops: tuple[BlockLimit, ...] = ()


@frozen(kw_only=True)
class ContainerConfig:
    """Everything that ``Containers.create`` needs to know.

    Process: ``args`` (docker's Cmd) and ``entrypoint`` are joined, entrypoint first; each None takes the image's, and an entrypoint
    given here drops the image's args, as docker does; an empty entrypoint, or ``("",)``, is none. ``env`` are ``KEY=value`` over the image's.

    Namespaces: ``network`` is ``none``, ``host``, ``container:<id or name>``, a path of a network namespace, or ``managed``: its own, which the
    supervisor's network provider connects; ``pid``, ``uts`` and
    ``cgroupns`` are ``private``, ``host`` or (pid) ``container:<id or name>``; ``ipc`` may also be ``shareable`` or ``none``. ``userns`` is ``host``,
    or ``private`` with ``uid_mappings`` and ``gid_mappings``: then root in the container is nobody on the machine. What the container writes is
    stored with its own ids all the same (idmapped mounts), so that images are shared, commit and fork need no translation, and another container of the
    same files may have other maps. The owners of what is bind-mounted are not mapped. Who joins a namespace of such a container must have its maps.

    Security: ``seccomp`` is ``default``, ``unconfined`` or the JSON text of a profile in docker's format. ``masked_paths`` and
    ``readonly_paths`` replace the defaults when not None.

    Life: ``remove_on_exit`` is docker's ``--rm``, done by the supervisor, so that it also happens when its host program died meanwhile.
    ``restart`` says what is done when it ends by itself, which ``remove_on_exit`` excludes; ``health`` how to tell whether it works.
    """

    image: str
    args: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None
    group_add: tuple[str, ...] = ()
    terminal: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    """Standard input ends with the first attachment that had it."""

    hostname: str | None = None
    domainname: str | None = None
    extra_hosts: tuple[str, ...] = ()
    """``name:address`` lines added to /etc/hosts."""
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()

    mounts: tuple[BindMount | TmpfsMount, ...] = ()
    read_only: bool = False
    forkable: bool = False
    """Keep what it writes where a copy takes no time, so that ``fork`` need not copy while it runs. Needs btrfs (mkfs.btrfs, and the kernel)."""
    storage_size: int | None = None
    """The most bytes that it may write to its own layer. Needs overlayfs on a file system with project quotas (ext4, xfs)."""
    shm_size: int = 64 << 20
    masked_paths: tuple[str, ...] | None = None
    readonly_paths: tuple[str, ...] | None = None

    network: str = "none"
    pid: str = "private"
    ipc: str = "private"
    uts: str = "private"
    cgroupns: str = "private"
    userns: str = "host"
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    clock_offset: float = 0.0
    """Seconds that CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead of the machine's (time_namespaces(7)); the time of day is everybody's."""

    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    no_new_privileges: bool = False
    seccomp: str = "default"
    apparmor: str | None = None
    """A profile that the machine has loaded, for the container and its execs; None, and ``unconfined``, for none."""
    selinux_label: str | None = None
    """``user:role:type:level`` of its processes; ``selinux_mount_label`` is that of its files."""
    selinux_mount_label: str | None = None
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    sysctls: Mapping[str, str] = field(factory=dict)

    resources: Resources = field(factory=Resources)
    ulimits: tuple[Ulimit, ...] = ()
    oom_score_adj: int = 0
    cgroup_parent: str | None = None
    init: bool = False
    """A process 1 in front of the container's own, which passes signals on and reaps orphans."""

    stop_signal: str | None = None
    stop_timeout: int | None = None
    remove_on_exit: bool = False
    restart: RestartPolicy = field(factory=RestartPolicy)
    health: HealthCheck | None = None
    shell: tuple[str, ...] | None = None
    """What ``CMD-SHELL`` of a health check is run by: ``("/bin/sh", "-c")`` unless the image says otherwise."""
    log: LogConfig = field(factory=LogConfig)
    labels: Mapping[str, str] = field(factory=dict)
    annotations: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class ExecConfig:
    """A further process in a running container. What is None is taken from the container's own process."""

    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None
    terminal: bool = False
    stdin: bool = False
    """Whether the process gets a pipe to read; /dev/null otherwise."""
    privileged: bool = False
