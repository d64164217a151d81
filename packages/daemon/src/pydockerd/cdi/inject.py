"""From the devices that a request names to what its container gets: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from pycontainerd.containers.config import BindMount, ContainerConfig, Device, Hook
from pydockerd.cdi.specification import Edits
from pydockerd.errors import BadRequest, NotServed
from pydockerd.models.host_config import DeviceRequest, HostConfig

DRIVER = "cdi"


def wanted(host: HostConfig) -> tuple[str, ...]:
    """The full names that are asked for. Raises BadRequest for a request to any other driver: there is none."""
    names: list[str] = []
    for request in host.device_requests or ():
        if request.driver != DRIVER:
            raise BadRequest(no_driver(request))
        names += request.device_ids or ()
    return tuple(dict.fromkeys(names))


def no_driver(request: DeviceRequest) -> str:
    """docker's words for a request whose driver there is not."""
    capabilities = " ".join(f"[{' '.join(those)}]" for those in request.capabilities or ())
    return f'could not select device driver "{request.driver}" with capabilities: [{capabilities}]'


def inject(config: ContainerConfig, names: Iterable[str], known: Mapping[str, tuple[Edits, ...]]) -> ContainerConfig:
    """The configuration with what the devices need. Raises BadRequest for one that no file describes, NotServed for Intel RDT."""
    names = tuple(names)
    if missing := [name for name in names if name not in known]:
        raise BadRequest(f"CDI device injection failed: unresolvable CDI devices {', '.join(missing)}")
    for edits in dict.fromkeys(
        edits for name in names for edits in known[name]
    ):  # those of a file once, however many devices
        config = _edited(config, edits)
    return config


def _edited(config: ContainerConfig, edits: Edits) -> ContainerConfig:
    if edits.intel_rdt is not None:
        raise NotServed("containerEdits.intelRdt of CDI is not implemented by pydockerd yet")
    return attrs.evolve(
        config,
        env=(*config.env, *edits.env),
        devices=(
            *config.devices,
            *(
                Device(source=node.host_path or node.path, target=node.path, permissions=node.permissions or "rwm")
                for node in edits.device_nodes
            ),
        ),
        mounts=(
            *config.mounts,
            *(
                BindMount(source=mount.host_path, target=mount.container_path, options=mount.options)
                for mount in edits.mounts
            ),
        ),
        hooks=(
            *config.hooks,
            *(
                Hook(point=hook.hook_name, path=hook.path, args=hook.args, env=hook.env, timeout=hook.timeout)
                for hook in edits.hooks
            ),
        ),
        group_add=(*config.group_add, *(str(gid) for gid in edits.additional_gids if gid)),
    )
