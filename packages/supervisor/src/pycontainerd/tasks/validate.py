"""Refusing at create what could not start: dockerd answers 400 then, and so nothing is made."""

from __future__ import annotations

import os

from pycontainerd.containers.config import BindMount, ContainerConfig
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci import namespaces
from pycontainerd.oci.build import Surroundings, build
from pycontainerd.oci.users import Account
from pycontainerd.tasks import output
from pycontainerd.tasks.signals import parse


def validate(config: ContainerConfig, capabilities: tuple[str, ...]) -> None:
    """InvalidConfig naming the first field that is wrong whatever the machine is like when it is started."""
    namespaces.validate(config)
    output.check_driver(config)
    if config.stop_signal:
        parse(config.stop_signal)
    for index, entry in enumerate(config.env):
        if entry.startswith("=") or "\0" in entry:
            raise InvalidConfig(f"env[{index}]", f"invalid environment variable: {entry}")
    if config.cwd and not config.cwd.startswith("/"):
        raise InvalidConfig("cwd", f"the working directory '{config.cwd}' is invalid, it needs to be an absolute path")
    for entry in config.extra_hosts:
        if not entry.partition(":")[2]:
            raise InvalidConfig("extra_hosts", f"bad format for add-host: {entry!r}, expected name:address")
    pids = {"network": 1, "pid": 1, "ipc": 1}
    shared = {kind: pid for kind, pid in pids.items() if namespaces.shared_with(getattr(config, kind))}
    # Nothing says more exactly what cannot be built than building it.
    build(
        config,
        Surroundings(hostname="h", account=Account(), cgroups_path="/", capabilities=capabilities, shared_pids=shared),
    )


def check_sources(config: ContainerConfig) -> None:
    """InvalidConfig for a bind mount of something that is not there and is not to be made."""
    for index, mount in enumerate(config.mounts):
        if isinstance(mount, BindMount) and not mount.create_source and not os.path.exists(mount.source):
            raise InvalidConfig(
                f"mounts[{index}].source",
                f'invalid mount config for type "bind": bind source path does not exist: {mount.source}',
            )
