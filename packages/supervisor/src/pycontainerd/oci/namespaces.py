"""Which namespaces a container has of its own, and which it shares."""

from __future__ import annotations

from collections.abc import Mapping

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig
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
        "userns": (config.userns, {"host"}, False),
        "network": (config.network, {"none", "host", "managed"}, True),
    }
    for field, (mode, words, may_share) in allowed.items():
        shares = may_share and bool(shared_with(mode))
        if mode not in words and not shares and not (field == "network" and mode.startswith("/")):
            raise InvalidConfig(field, f"invalid mode {mode!r}: expected one of {', '.join(sorted(words))}")


def namespaces(config: ContainerConfig, pids: Mapping[str, int]) -> tuple[Namespace, ...]:
    """The ``linux.namespaces``. ``pids`` are those of the containers whose network, pid or ipc namespace is shared."""
    found = [Namespace(type="mount")]
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
