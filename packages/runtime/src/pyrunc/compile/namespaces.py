"""Namespaces: which the parent joins, with which the container process is cloned, and what it does first inside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyrunc import plan as op
from pyrunc.compile import flags
from pyrunc.compile.compiled import CgroupDirectory, CgroupProcs, NamespacePath
from pyrunc.compile.request import Request, Slots
from pyrunc.errors import Unsupported
from pyrunc.plan import NO_SLOT, Operation
from pyrunc.spec import IdMapping

KINDS = {
    "user": flags.CLONE_NEWUSER,
    "ipc": flags.CLONE_NEWIPC,
    "uts": flags.CLONE_NEWUTS,
    "network": flags.CLONE_NEWNET,
    "pid": flags.CLONE_NEWPID,
    "mount": flags.CLONE_NEWNS,
    "cgroup": flags.CLONE_NEWCGROUP,
    "time": flags.CLONE_NEWTIME,
}


def join_namespaces(request: Request, slots: Slots) -> Iterator[Operation]:
    """SetNs for each namespace with a path.

    Without rights of our own the user namespace comes first, because being its root is what allows to join the others; with
    them it comes last, because it might own none of the others.
    """
    joined = [(index, namespace) for index, namespace in enumerate(request.linux.namespaces) if namespace.path]
    joined.sort(key=lambda entry: (entry[1].type == "user") != request.facts.rootless)
    for index, namespace in joined:
        path, kind = f"linux.namespaces[{index}]", KINDS[namespace.type]
        sysctl = _first_sysctl(request, namespace.type)
        slot = slots.add(NamespacePath(path=f"{path}.path", file=namespace.path, kind=kind, sysctl=sysctl))
        yield op.SetNs(path=path, slot=slot, kind=kind)


def clone(request: Request, slots: Slots) -> op.Clone:
    """Clone with the new namespaces, straight into the cgroup of cgroup v2 where there is one."""
    linux = request.linux
    if linux.namespace("time") and not request.facts.time_namespaces:
        raise Unsupported(_place(request, "time"), "this kernel has no time namespaces (Linux 5.6)")
    cgroup = slots.add(CgroupDirectory()) if _clones_into_cgroup(request) else NO_SLOT
    return op.Clone(
        path="linux.namespaces",
        flags=sum(
            KINDS[namespace.type] for namespace in linux.namespaces if not namespace.path and namespace.type != "cgroup"
        ),
        uid_map=map_text(linux.uid_mappings) if linux.makes("user") else "",
        gid_map=map_text(linux.gid_mappings) if linux.makes("user") else "",
        deny_setgroups=denies_setgroups(request),
        cgroup=cgroup,
        time_offsets=_time_offsets(request),
    )


def enter(request: Request, slots: Slots) -> Iterator[Operation]:
    """The container process's first steps: into its cgroups, its cgroup namespace, and its rights as the namespace's root."""
    yield from join_cgroups(request, slots, cloned_into=_clones_into_cgroup(request))
    if request.linux.makes("cgroup"):
        yield op.Unshare(path=_place(request, "cgroup"), flags=flags.CLONE_NEWCGROUP)
    if request.in_user_namespace:
        yield op.BecomeRoot(path=_place(request, "user"))
    yield op.SetSid(path="process")


def join_cgroups(request: Request, slots: Slots, *, cloned_into: bool) -> Iterator[Operation]:
    """JoinCgroup for all hierarchies, but for cgroup v2 if the process was cloned into that."""
    names = [name for name in request.cgroups if name or not cloned_into]
    if names:
        procs = tuple(slots.add(CgroupProcs(path="linux.cgroupsPath", hierarchy=name)) for name in names)
        yield op.JoinCgroup(path="linux.cgroupsPath", slots=procs)


def denies_setgroups(request: Request) -> bool:
    """Who maps ids without CAP_SETGID may only do so after giving up setgroups(2) (user_namespaces(7))."""
    return request.linux.makes("user") and request.facts.uid != 0


def map_text(mappings: Iterable[IdMapping]) -> str:
    """The text of /proc/PID/uid_map: container id, host id, size a line."""
    return "".join(f"{mapping.container_id} {mapping.host_id} {mapping.size}\n" for mapping in mappings)


def _clones_into_cgroup(request: Request) -> bool:
    """Whether clone3(CLONE_INTO_CGROUP) does it. Across a cgroup namespace that was joined the kernel refuses that (nsdelegate).

    Also beside hierarchies of version 1: moving a process on cgroup v2 waits for an RCU grace period, 5 ms and more.
    """
    namespace = request.linux.namespace("cgroup")
    return "" in request.cgroups and not (namespace is not None and namespace.path)


def _place(request: Request, kind: str) -> str:
    index = next(index for index, namespace in enumerate(request.linux.namespaces) if namespace.type == kind)
    return f"linux.namespaces[{index}]"


def _time_offsets(request: Request) -> str:
    offsets = request.linux.time_offsets
    if offsets is None:
        return ""
    clocks = (("monotonic", offsets.monotonic), ("boottime", offsets.boottime))
    return "".join(f"{name} {clock.secs} {clock.nanosecs}\n" for name, clock in clocks if clock is not None)


def _first_sysctl(request: Request, kind: str) -> str:
    """The place of the first that a namespace of this type keeps apart."""
    if not request.linux.sysctl:
        return ""
    from pyrunc.compile.sysctl import sysctls_of

    return next(sysctls_of(request, kind), "")
