"""Device nodes of the host that a container gets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import frozen

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig

_SKIPPED = {"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"}
"""Below /dev: directories with mounts of their own, and what the runtime makes itself."""


@frozen(kw_only=True)
class HostDevice:
    """A node as it is on the host, and where it is to appear."""

    path: str
    type: Literal["b", "c"]
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    permissions: str = "rwm"


def host_devices(config: ContainerConfig) -> tuple[HostDevice, ...]:
    """The nodes that ``config.devices`` names, or all of the host's for a privileged container. InvalidConfig names what is none."""
    found = {device.path: device for device in _all("/dev")} if config.privileged else {}
    for index, device in enumerate(config.devices):
        for node in _chosen(index, device.source, device.target, device.permissions):
            found[node.path] = node
    return tuple(found.values())


def _chosen(index: int, source: str, target: str, permissions: str) -> Iterator[HostDevice]:
    where = f"devices[{index}]"
    if not permissions or set(permissions) - set("rwm"):
        raise InvalidConfig(f"{where}.permissions", f"expected letters of rwm, got {permissions!r}")
    if os.path.isdir(source):
        yield from _all(source, target, permissions)
        return
    found = _node(source, target, permissions)
    if found is None:
        raise InvalidConfig(f"{where}.source", f"error gathering device information: {source!r} is not a device node")
    yield found


def _all(directory: str, target: str | None = None, permissions: str = "rwm") -> Iterator[HostDevice]:
    top = directory == "/dev"
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        source, inside = f"{directory}/{name}", f"{target or directory}/{name}"
        if top and name in _SKIPPED:
            continue
        if os.path.isdir(source) and not os.path.islink(source):
            yield from _all(source, inside, permissions)
        elif node := _node(source, inside, permissions):
            yield node


def _node(source: str, target: str, permissions: str) -> HostDevice | None:
    try:
        status = Path(source).stat()
    except OSError:
        return None
    kinds: dict[int, Literal["b", "c"]] = {stat.S_IFBLK: "b", stat.S_IFCHR: "c"}
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return None
    return HostDevice(
        path=target,
        type=kind,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        permissions=permissions,
    )
