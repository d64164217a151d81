"""What docker fills in where a client said nothing, so that an inspect shows what the container really got."""

from __future__ import annotations

import attrs

from pycontainerd.oci.mounts import MASKED_PATHS, READONLY_PATHS
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig, LogConfig, Ulimit
from pydockerd.settings import ContainerDefaults


def with_defaults(
    request: CreateRequest,
    *,
    cgroup_parent: str = "",
    defaults: ContainerDefaults = ContainerDefaults(),  # noqa: B008 - it is frozen
    default_network: str = "bridge",
) -> CreateRequest:
    """The request with every default said; stays what it is when applied twice. ``defaults`` are the daemon's, and so is ``default_network``."""
    return attrs.evolve(request, host=_host(request.host, cgroup_parent, defaults, default_network))


def _host(host: HostConfig, cgroup_parent: str, defaults: ContainerDefaults, default_network: str) -> HostConfig:
    return attrs.evolve(
        host,
        log_config=_log_config(host.log_config, defaults),
        restart_policy=attrs.evolve(host.restart_policy, name=host.restart_policy.name or "no"),
        network_mode=default_network if host.network_mode in {"", "default"} else host.network_mode,
        ipc_mode=host.ipc_mode or defaults.ipc_mode,
        # dockerd gives a privileged container the host's cgroup namespace, and on v1 every container; ours are private on both
        cgroupns_mode=host.cgroupns_mode or ("host" if host.privileged else defaults.cgroupns_mode),
        shm_size=host.shm_size or defaults.shm_size,
        runtime=host.runtime or defaults.runtime,
        init=True if host.init is None and defaults.init else host.init,
        ulimits=_ulimits(host, defaults),
        cgroup_parent=host.cgroup_parent or cgroup_parent,
        memory_swap=_memory_swap(host),
        memory_swappiness=None
        if host.memory_swappiness == -1
        else host.memory_swappiness,  # the CLI's way to say nothing
        masked_paths=_paths(host, host.masked_paths, MASKED_PATHS),
        readonly_paths=_paths(host, host.readonly_paths, READONLY_PATHS),
    )


def _log_config(said: LogConfig, defaults: ContainerDefaults) -> LogConfig:
    """The daemon's options are for its own driver, and each is for who does not say it."""
    driver = said.type or defaults.log_driver
    options = {**defaults.log_opts, **said.config} if driver == defaults.log_driver else said.config
    return attrs.evolve(said, type=driver, config=options)


def _ulimits(host: HostConfig, defaults: ContainerDefaults) -> tuple[Ulimit, ...]:
    named = {limit.name for limit in host.ulimits}
    added = (
        Ulimit(name=one.name, soft=one.soft, hard=one.hard)
        for one in defaults.ulimits.values()
        if one.name not in named
    )
    return (*host.ulimits, *added)


def _memory_swap(host: HostConfig) -> int:
    """Twice the memory, as docker has it, where only the memory is limited."""
    if host.memory > 0 and host.memory_swap == 0:
        return min(host.memory * 2, (1 << 63) - 1)
    return host.memory_swap


def _paths(host: HostConfig, said: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...] | None:
    if said is not None:
        return said
    return None if host.privileged else default
