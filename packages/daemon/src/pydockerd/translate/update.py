"""``POST /containers/{id}/update``: what of HostConfig changes, and what that is for the supervisor."""

from __future__ import annotations

import json

import attrs

from pycontainerd.containers.config import ContainerConfig, Resources
from pycontainerd.containers.restart import RestartPolicy
from pydockerd.errors import BadRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.translate.container import ORIGIN, check_restart, origin, restart_policy
from pydockerd.translate.resources import HostFacts, changes

_LIMITS = (
    "blkio_weight", "cpu_shares", "nano_cpus", "cpu_period", "cpu_quota", "cpuset_cpus", "cpuset_mems", "memory", "memory_swap",
    "memory_reservation",
)  # fmt: skip


@attrs.frozen
class Update:
    """For ``Container.update``: limits that change, another policy or None, and the annotation that keeps what was asked for."""

    resources: Resources
    restart: RestartPolicy | None
    annotations: dict[str, str]


def update(asked: HostConfig, config: ContainerConfig, facts: HostFacts) -> Update:
    """Fields that are zero or not there stay as they are, as docker has it. Raises BadRequest in docker's words."""
    policy = asked.restart_policy if asked.restart_policy.name else None
    if policy is not None:
        check_restart(asked)
        if config.remove_on_exit and policy.name != "no":
            raise BadRequest("Restart policy cannot be updated because AutoRemove is enabled for the container")
    return Update(
        changes(asked, facts), restart_policy(policy) if policy is not None else None, _annotations(asked, config)
    )


def _annotations(asked: HostConfig, config: ContainerConfig) -> dict[str, str]:
    request = origin(config)
    if request is None:
        return {}
    said = {name: getattr(asked, name) for name in _LIMITS if getattr(asked, name)}
    if asked.pids_limit is not None:
        said["pids_limit"] = asked.pids_limit
    if asked.restart_policy.name:
        said["restart_policy"] = asked.restart_policy
    changed = attrs.evolve(request, host=attrs.evolve(request.host, **said))
    return {ORIGIN: json.dumps(changed.to_json(), separators=(",", ":"))}
