"""The mounts of a container: docker's default ones, the user's over them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from pycontainerd.containers.config import BindMount, ContainerConfig, TmpfsMount
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci.namespaces import owns
from pyrunc.spec import Mount
from pyrunc.spec.default import MASKED_PATHS, READONLY_PATHS

__all__ = ["MASKED_PATHS", "READONLY_PATHS", "all_mounts", "default_mounts"]

_PROPAGATIONS = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}
_IGNORED = {"z", "Z", "cached", "delegated", "consistent", "volume-nocopy", "nocopy"}
"""Words of docker's ``-v`` that mean nothing without SELinux or on Linux."""

_TTY = 5
"""The group that terminals belong to."""


def default_mounts(config: ContainerConfig, *, shm_source: str | None) -> list[Mount]:
    """What every container has. ``shm_source`` is a directory to use as /dev/shm instead of a tmpfs of its own."""
    access = "rw" if config.privileged else "ro"
    mounts = [
        _proc(config),
        Mount(
            destination="/dev",
            type="tmpfs",
            source="tmpfs",
            options=("nosuid", "strictatime", "mode=755", "size=65536k"),
        ),
        Mount(
            destination="/dev/pts",
            type="devpts",
            source="devpts",
            options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", *_tty_group(config)),
        ),
        _sys(config, access),
        Mount(
            destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=(access, "nosuid", "noexec", "nodev")
        ),
        *_mqueue(config),
    ]
    if config.ipc == "none":
        return mounts
    return [*mounts, _shm(config, shm_source)]


def _tty_group(config: ContainerConfig) -> tuple[str, ...]:
    mapped = any(one.container_id <= _TTY < one.container_id + one.size for one in config.gid_mappings)
    return (f"gid={_TTY}",) if mapped or config.userns == "host" else ()


def _sys(config: ContainerConfig, access: str) -> Mount:
    """A sysfs shows the devices of a network namespace, and only root of the user namespace that owns it may mount one: others get the machine's."""
    options = ("nosuid", "noexec", "nodev", access)
    if owns(config, "network"):
        return Mount(destination="/sys", type="sysfs", source="sysfs", options=options)
    return Mount(destination="/sys", type="bind", source="/sys", options=("rbind", "rprivate", *options))


def _proc(config: ContainerConfig) -> Mount:
    """The same of the processes of a pid namespace."""
    if owns(config, "pid"):
        return Mount(destination="/proc", type="proc", source="proc", options=("nosuid", "noexec", "nodev"))
    return Mount(destination="/proc", type="bind", source="/proc", options=("rbind", "rprivate"))


def _mqueue(config: ContainerConfig) -> list[Mount]:
    """And of message queues, which work without being seen, too."""
    if not owns(config, "ipc"):
        return []
    options = ("nosuid", "noexec", "nodev")
    return [Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=options)]


def _shm(config: ContainerConfig, source: str | None) -> Mount:
    if source is not None:
        return Mount(destination="/dev/shm", type="bind", source=source, options=("rbind", "rprivate"))  # noqa: S108
    options = ("nosuid", "noexec", "nodev", "mode=1777", f"size={config.shm_size}")
    return Mount(destination="/dev/shm", type="tmpfs", source="shm", options=options)  # noqa: S108


def all_mounts(config: ContainerConfig, etc_files: dict[str, Path], *, shm_source: str | None) -> tuple[Mount, ...]:
    """Default mounts, /etc files and the user's, parents before children; a user's mount replaces a default one at its target.

    InvalidConfig for a target that is not absolute or is used twice.
    """
    chosen = _by_target(config.mounts)
    mounts = {
        mount.destination: mount
        for mount in default_mounts(config, shm_source=shm_source)
        if not _is_covered(mount.destination, chosen)
    }
    ids = ("idmap",) if config.userns == "private" else ()  # they are the container's own: its root may write to them
    for name, path in etc_files.items():
        target = f"/etc/{name}"
        if not _is_covered(target, chosen):
            mounts[target] = Mount(
                destination=target, type="bind", source=str(path), options=("rbind", "rprivate", *ids)
            )
    # A stable sort by depth keeps the kernel's order among the defaults and puts whatever lies below another mount after it.
    mounts.update(sorted(chosen.items(), key=lambda item: item[0].count("/")))
    return tuple(mounts.values())


def _is_covered(target: str, chosen: Iterable[str]) -> bool:
    """Whether the user mounts there himself, or mounts his own /dev, which is then his alone."""
    return target in chosen or ("/dev" in chosen and target.startswith("/dev/"))


def _by_target(mounts: Iterable[BindMount | TmpfsMount]) -> dict[str, Mount]:
    found: dict[str, Mount] = {}
    for index, mount in enumerate(mounts):
        target = posixpath.normpath(mount.target)
        if not target.startswith("/") or target.strip("/") == "":
            raise InvalidConfig(f"mounts[{index}].target", f"must be an absolute path below /, got {mount.target!r}")
        if target in found:
            raise InvalidConfig(f"mounts[{index}].target", f"duplicate mount point: {target}")
        found[target] = _bind(index, mount, target) if isinstance(mount, BindMount) else _tmpfs(mount, target)
    return found


def _bind(index: int, mount: BindMount, target: str) -> Mount:
    if not mount.source.startswith("/"):
        raise InvalidConfig(f"mounts[{index}].source", f"must be an absolute path, got {mount.source!r}")
    words = [word for word in mount.options if word and word not in _IGNORED]
    if not {"bind", "rbind"} & set(words):
        words.insert(0, "rbind")
    if not _PROPAGATIONS & set(words):
        words.append("rprivate")
    return Mount(destination=target, type="bind", source=mount.source, options=tuple(words))


def _tmpfs(mount: TmpfsMount, target: str) -> Mount:
    defaults = ("noexec", "nosuid", "nodev")
    given = set(mount.options)
    kept = [word for word in defaults if word not in given and word.removeprefix("no") not in given]
    return Mount(destination=target, type="tmpfs", source="tmpfs", options=(*kept, *mount.options))
