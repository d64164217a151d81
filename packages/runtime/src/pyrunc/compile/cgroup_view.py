"""A mount of type ``cgroup``: what the container sees below /sys/fs/cgroup, whichever version the host has."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.flags import MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY
from pyrunc.compile.mount_options import Options
from pyrunc.compile.request import Request
from pyrunc.errors import SpecError
from pyrunc.facts import Hierarchy
from pyrunc.plan import Operation

_SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC


def cgroup_view(request: Request, target: str, options: Options, path: str) -> Iterator[Operation]:
    """cgroup2 itself on a v2 host. On v1 (also hybrid) a tmpfs with the legacy hierarchies, each showing the container's own cgroup:

    mounted anew inside a cgroup namespace, whose root is that cgroup; bound from the host where there is no such namespace. So is cgroup2 in a user namespace.
    """
    if options.parameters:
        raise SpecError(
            f"{path}.options", f'"{options.parameters[0]}" is not an option of a cgroup mount', options.parameters[0]
        )
    mode = request.facts.cgroup_mode
    legacy = tuple(hierarchy for hierarchy in request.facts.hierarchies if not hierarchy.is_v2)
    if mode == "v2" and request.in_user_namespace and not request.linux.namespace("cgroup"):
        # Only root of the user namespace that owns the cgroup namespace may mount it anew; its own cgroup is bound, as runc does.
        source = request.cgroups.get("", "/sys/fs/cgroup")
        yield op.Bind(path=path, source=source, target=target, recursive=False, set_attributes=_SAFE | options.set)
    elif mode == "v2":
        yield op.MountCgroups(path=path, target=target, hierarchies=("=",), links=(), attributes=options.set)
    elif mode != "none" and request.linux.namespace("cgroup"):
        yield op.MountCgroups(
            path=path,
            target=target,
            hierarchies=tuple(f"{directory_of(hierarchy)}={_data(hierarchy)}" for hierarchy in legacy),
            links=links(legacy),
            attributes=options.set,
        )
    elif mode != "none":
        yield from _bound(request, target, options, path, legacy)


def directory_of(hierarchy: Hierarchy) -> str:
    """The name of the directory where everyone expects the hierarchy: ``systemd`` for ``name=systemd``."""
    return hierarchy.name.removeprefix("name=")


def links(hierarchies: tuple[Hierarchy, ...]) -> tuple[str, ...]:
    """``cpu=cpu,cpuacct``: each controller of a joint hierarchy is found by its own name, too."""
    joint = (hierarchy for hierarchy in hierarchies if len(hierarchy.controllers) > 1)
    return tuple(
        f"{controller}={directory_of(hierarchy)}" for hierarchy in joint for controller in hierarchy.controllers
    )


def _data(hierarchy: Hierarchy) -> str:
    """The mount options that name a hierarchy; ``none`` says that a named one has no controllers."""
    return f"none,{hierarchy.name}" if hierarchy.name.startswith("name=") else hierarchy.name


def _bound(
    request: Request, target: str, options: Options, path: str, legacy: tuple[Hierarchy, ...]
) -> Iterator[Operation]:
    yield op.Mount(
        path=path,
        fstype="tmpfs",
        device="cgroup",
        parameters=("mode=755",),
        attributes=_SAFE,
        target=target,
        propagation=options.propagation,
    )
    for hierarchy in legacy:
        if hierarchy.name in request.cgroups:
            yield op.Bind(
                path=path,
                source=request.cgroups[hierarchy.name],
                target=f"{target}/{directory_of(hierarchy)}",
                recursive=False,
                set_attributes=_SAFE | options.set,
            )
    for name, link in (entry.split("=", 1) for entry in links(legacy)):
        yield op.Symlink(path=path, link=link, target=f"{target}/{name}")
    if options.set & MOUNT_ATTR_RDONLY:
        yield op.ReadonlyPath(path=path, target=target)
