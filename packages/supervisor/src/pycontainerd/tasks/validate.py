"""Refusing at create what could not start: dockerd answers 400 then, and so nothing is made."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping

import attrs

from pycontainerd.containers.config import BindMount, ContainerConfig
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci import block_io, namespaces
from pycontainerd.oci.build import Surroundings, build
from pycontainerd.oci.users import Account
from pycontainerd.tasks import output
from pycontainerd.tasks.signals import parse

_MISFIT = re.compile("[\0\ud800-\udfff]")


def validate(config: ContainerConfig, capabilities: tuple[str, ...]) -> None:
    """InvalidConfig naming the first field that is wrong whatever the machine is like when it is started."""
    _check_texts(config)
    namespaces.validate(config)
    output.check_driver(config)
    check_restart(config)
    if config.health is not None:
        with _named("health"):
            config.health.check()
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
        Surroundings(
            hostname="h",
            account=Account(),
            cgroups_path="/",
            capabilities=capabilities,
            block_devices={limit.source: (0, 0) for _, limit in block_io.named(config.resources)},
            shared_pids=shared,
        ),
    )


def check_restart(config: ContainerConfig) -> None:
    """InvalidConfig for a restart policy that does not exist, or that contradicts ``remove_on_exit``."""
    with _named("restart"):
        config.restart.check()
    if config.remove_on_exit and config.restart.name != "no":
        raise InvalidConfig("restart", "a container that is removed when it ends cannot have a restart policy")


@contextlib.contextmanager
def _named(field: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidConfig(field, str(error)) from error


def _check_texts(config: ContainerConfig) -> None:
    """What JSON can say, of an image as well, and no process, file or database can hold."""
    for field in attrs.fields(ContainerConfig):
        for text in _texts(getattr(config, field.name)):
            if _MISFIT.search(text):
                raise InvalidConfig(field.name, f"{text!r} holds a NUL or half of a character")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif attrs.has(type(value)):
        yield from _texts(attrs.astuple(value))  # type: ignore[arg-type]


def check_sources(config: ContainerConfig) -> None:
    """InvalidConfig for a bind mount of something that is not there and is not to be made."""
    for index, mount in enumerate(config.mounts):
        if isinstance(mount, BindMount) and not mount.create_source and not os.path.exists(mount.source):
            raise InvalidConfig(
                f"mounts[{index}].source",
                f'invalid mount config for type "bind": bind source path does not exist: {mount.source}',
            )
