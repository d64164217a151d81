"""What docker fills in where a client said nothing, so that an inspect shows what the container really got."""

from __future__ import annotations

from typing import Final

import attrs

from pycontainerd.oci.mounts import MASKED_PATHS, READONLY_PATHS
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig

SHM_SIZE: Final = 64 << 20


def with_defaults(request: CreateRequest, *, cgroup_parent: str = "") -> CreateRequest:
    """The request with every default said; stays what it is when applied twice."""
    return attrs.evolve(request, host=_host(request.host, cgroup_parent))


def _host(host: HostConfig, cgroup_parent: str) -> HostConfig:
    return attrs.evolve(
        host,
        log_config=attrs.evolve(host.log_config, type=host.log_config.type or "json-file"),
        restart_policy=attrs.evolve(host.restart_policy, name=host.restart_policy.name or "no"),
        network_mode=host.network_mode or "default",
        ipc_mode=host.ipc_mode or "private",
        # dockerd gives a privileged container the host's cgroup namespace, and on v1 every container; ours are private on both
        cgroupns_mode=host.cgroupns_mode or ("host" if host.privileged else "private"),
        shm_size=host.shm_size or SHM_SIZE,
        runtime=host.runtime or "pyrunc",
        cgroup_parent=host.cgroup_parent or cgroup_parent,
        memory_swap=_memory_swap(host),
        memory_swappiness=None
        if host.memory_swappiness == -1
        else host.memory_swappiness,  # the CLI's way to say nothing
        masked_paths=_paths(host, host.masked_paths, MASKED_PATHS),
        readonly_paths=_paths(host, host.readonly_paths, READONLY_PATHS),
    )


def _memory_swap(host: HostConfig) -> int:
    """Twice the memory, as docker has it, where only the memory is limited."""
    if host.memory > 0 and host.memory_swap == 0:
        return min(host.memory * 2, (1 << 63) - 1)
    return host.memory_swap


def _paths(host: HostConfig, said: tuple[str, ...] | None, default: tuple[str, ...]) -> tuple[str, ...] | None:
    if said is not None:
        return said
    return None if host.privileged else default
