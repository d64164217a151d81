"""Which namespaces a container has of its own, and which it shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from pycontainerd.containers.config import ContainerConfig, IdMapping
from pycontainerd.errors import InvalidConfig
from pyrunc import spec as oci
from pyrunc.spec import Namespace

_PROC_NAMES = {"network": "net", "pid": "pid", "ipc": "ipc"}


def shared_with(mode: str) -> str | None:
    """The container that a mode such as ``container:web`` refers to."""
    return mode.removeprefix("container:") if mode.startswith("container:") else None


def validate(config: ContainerConfig) -> None:
    """InvalidConfig names the first mode that does not exist."""
    allowed = {
        "pid": (config.pid, {"private", "host"}, True),
        "ipc": (config.ipc, {"private", "shareable", "host", "none"}, True),
        "uts": (config.uts, {"private", "host"}, False),
        "cgroupns": (config.cgroupns, {"private", "host"}, False),
        "userns": (config.userns, {"private", "host"}, False),
        "network": (config.network, {"none", "host", "managed"}, True),
    }
    for field, (mode, words, may_share) in allowed.items():
        shares = may_share and bool(shared_with(mode))
        if mode not in words and not shares and not (field == "network" and mode.startswith("/")):
            raise InvalidConfig(field, f"invalid mode {mode!r}: expected one of {', '.join(sorted(words))}")

    _check_users(config)


def _check_users(config: ContainerConfig) -> None:
    """Maps that the kernel takes are the runtime's business; root is needed by what is made before the container's own user takes over."""
    for field, mappings in (("uid_mappings", config.uid_mappings), ("gid_mappings", config.gid_mappings)):
        if mappings and config.userns != "private":
            raise InvalidConfig(field, "are for a user namespace of its own: userns is not private")
        if config.userns == "private" and not any(one.container_id == 0 and one.size for one in mappings):
            raise InvalidConfig(field, "must map 0, because userns is private")
        for side in ("container_id", "host_id"):
            ranges = sorted((getattr(one, side), one.size) for one in mappings)
            for (first, size), (following, _) in pairwise(ranges):
                if first + size > following:
                    raise InvalidConfig(field, f"{following} is mapped twice: its ranges overlap")
    if config.userns == "private" and config.privileged:
        raise InvalidConfig(
            "privileged",
            "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
        )


def mapped(mappings: Iterable[IdMapping]) -> tuple[oci.IdMapping, ...]:
    """In the runtime's words."""
    return tuple(oci.IdMapping(container_id=m.container_id, host_id=m.host_id, size=m.size) for m in mappings)


def users_of(config: ContainerConfig) -> tuple[object, ...]:
    """What must be alike in containers that share a namespace."""
    return (config.userns, config.uid_mappings, config.gid_mappings)


def owns(config: ContainerConfig, kind: str) -> bool:
    """Whether the user namespace that the container lives in owns its namespace of this kind, so that its root may mount what belongs to it."""
    mode: str = getattr(config, kind)
    return config.userns == "host" or not (mode == "host" or mode.startswith("/"))


def namespaces(config: ContainerConfig, pids: Mapping[str, int]) -> tuple[Namespace, ...]:
    """The ``linux.namespaces``. ``pids`` are those of the containers whose network, pid or ipc namespace is shared."""
    found = [Namespace(type="mount")]
    if config.userns == "private":
        # Who shares another's namespaces shares the user namespace that owns them, or it would have no rights in them.
        joined = next(iter(pids.values()), None)
        found.append(Namespace(type="user", path="" if joined is None else f"/proc/{joined}/ns/user"))
    if config.uts == "private":
        found.append(Namespace(type="uts"))
    if config.cgroupns == "private":
        found.append(Namespace(type="cgroup"))
    if config.clock_offset:
        found.append(Namespace(type="time"))
    if config.network.startswith("/"):
        found.append(Namespace(type="network", path=config.network))
    for kind, mode in (("network", config.network), ("pid", config.pid), ("ipc", config.ipc)):
        if shared_with(mode):
            found.append(Namespace(type=kind, path=f"/proc/{pids[kind]}/ns/{_PROC_NAMES[kind]}"))  # type: ignore[arg-type]
        elif mode != "host" and not mode.startswith("/"):
            found.append(Namespace(type=kind))  # type: ignore[arg-type]  # kind is one of three literals
    return tuple(found)
