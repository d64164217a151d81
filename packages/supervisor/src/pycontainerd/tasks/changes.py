"""What ``Container.update`` changes, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from pycontainerd.containers.config import ContainerConfig, Resources
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci.resources import limits, validate
from pycontainerd.tasks.validate import check_restart
from pyrunc import spec as oci


@attrs.frozen
class Changes:
    """``resources``: the limits that are not None; ``restart``: another policy, or None; ``annotations``: more of them, or others."""

    resources: Resources | None
    restart: RestartPolicy | None
    annotations: Mapping[str, str]

    def applied_to(self, config: ContainerConfig) -> ContainerConfig:
        """The configuration that comes of it. Raises InvalidConfig in docker's words."""
        changed = attrs.evolve(
            config,
            resources=self._merged(config.resources),
            restart=self.restart or config.restart,
            annotations={**config.annotations, **self.annotations},
        )
        if self.restart is not None:
            check_restart(changed)
        return changed

    def limits(self, config: ContainerConfig) -> oci.Resources:
        """For the runtime, of the configuration that comes of it."""
        return limits(config.resources)

    def _merged(self, before: Resources) -> Resources:
        if self.resources is None:
            return before
        given = self.resources
        self._check_conflicts(before, given)
        said: dict[str, Any] = {
            name: value for name, value in attrs.asdict(given, recurse=False).items() if value is not None
        }
        merged = attrs.evolve(before, **said)
        validate(merged)
        return merged

    @staticmethod
    def _check_conflicts(before: Resources, given: Resources) -> None:
        swap = before.memory_swap or 0
        if given.memory and 0 < swap < given.memory and not given.memory_swap:
            raise InvalidConfig(
                "resources.memory",
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
            )
        if given.nano_cpus and (before.cpu_quota or before.cpu_period):
            which = "CPU Quota" if before.cpu_quota else "CPU Period"
            raise InvalidConfig(
                "resources.nano_cpus",
                f"Conflicting options: Nano CPUs cannot be updated as {which} has already been set",
            )
        if before.nano_cpus and (given.cpu_quota or given.cpu_period):
            which = "CPU Quota" if given.cpu_quota else "CPU Period"
            raise InvalidConfig(
                "resources.cpu_quota",
                f"Conflicting options: {which} cannot be updated as NanoCPUs has already been set",
            )
