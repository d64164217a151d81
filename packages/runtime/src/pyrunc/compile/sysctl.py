"""linux.sysctl: only names that a namespace of the container keeps to itself; any other would change the machine."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.request import Request
from pyrunc.errors import SpecError
from pyrunc.plan import Operation

_IPC = frozenset({"msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"})


def sysctls(request: Request) -> Iterator[Operation]:
    """WriteProc for each; raises SpecError for a name that the container's namespaces do not cover."""
    for name, value in request.linux.sysctl.items():
        path = f"linux.sysctl.{name}"
        parts = split_name(name)
        if any(part in {"", ".", ".."} for part in parts):
            raise SpecError(path, "is not the name of a sysctl", name)
        kind = namespace_of(parts)
        if kind is None:
            raise SpecError(path, "is not kept apart by any namespace: setting it would change the machine", name)
        if request.linux.namespace(kind) is None:
            raise SpecError(path, f"needs a {kind} namespace in linux.namespaces", name)
        yield op.WriteProc(path=path, name="/".join(("sys", *parts)), value=value)


def sysctls_of(request: Request, kind: str) -> Iterator[str]:
    """The places of those that a namespace of this type keeps apart."""
    for name in request.linux.sysctl:
        if namespace_of(split_name(name)) == kind:
            yield f"linux.sysctl.{name}"


def split_name(name: str) -> tuple[str, ...]:
    """``net.ipv4.conf.eth0/1.rp_filter`` and ``net/ipv4/conf/eth0.1/rp_filter`` name the same: the first separator counts (sysctl(8))."""
    slashes, dots = name.find("/"), name.find(".")
    if slashes >= 0 and (dots < 0 or slashes < dots):
        return tuple(name.split("/"))
    return tuple(part.replace("/", ".") for part in name.split("."))


def namespace_of(parts: tuple[str, ...]) -> str | None:
    """The type of namespace that keeps this sysctl apart. The host name is not among them: it has a field of its own."""
    match parts:
        case ("kernel", name) if name in _IPC:
            return "ipc"
        case ("fs", "mqueue", _):
            return "ipc"
        case ("net", _, *_):
            return "network"
        case ("kernel", "domainname"):
            return "uts"
        case ("user", _):
            return "user"
        case _:
            return None
