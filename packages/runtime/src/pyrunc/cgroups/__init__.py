"""Control groups: what a container may use, what it has used, and a handle on all of its processes.

``driver`` tells the life of a container's cgroup; ``v1``, ``v2``, ``systemd`` and ``disabled`` are the ways in which this machine can
have one.
"""

from __future__ import annotations

from posixpath import normpath

from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.cgroups.systemd import SystemdCgroup
    from pyrunc.cgroups.systemd_properties import Property
    from pyrunc.cgroups.systemd_units import Unit
    from pyrunc.cgroups.v1 import CgroupV1
    from pyrunc.cgroups.v2 import CgroupV2
    from pyrunc.facts import Hierarchy
    from pyrunc.spec.resources import Resources

    Manager = Literal["cgroupfs", "systemd", "disabled"]

PARENT = "/pyrunc"
"""Where containers live whose specification does not say."""


def place(cgroups_path: str, id: str) -> str:
    """The cgroup of container ``id`` below each mount point, for ``linux.cgroupsPath`` (config-linux.md, Cgroups Path).

    Absolute paths count from the mount point; relative ones, and none at all, from PARENT, so that one runtime always decides alike.
    ``..`` cannot lead out of the mount point.
    """
    below = "" if cgroups_path.startswith("/") else PARENT
    path = below + normpath("/" + (cgroups_path or id).lstrip("/")).rstrip("/")
    if path in ("", PARENT):
        raise CgroupError("linux.cgroupsPath", f"{cgroups_path!r} is not a cgroup for one container")
    return path


def cgroup_for(path: str, hierarchies: Sequence[Hierarchy]) -> Cgroup:
    """The container's cgroup at ``path`` (of ``place``) in the hierarchies of this machine; an empty path is a container without one.

    Raises CgroupError if none are mounted.
    """
    if not path:
        from pyrunc.cgroups.disabled import NoCgroup

        return NoCgroup()
    return _mounted(path, hierarchies)


def systemd_cgroup(
    unit: Unit,
    hierarchies: Sequence[Hierarchy],
    resources: Resources | None = None,
    extra: tuple[Property, ...] = (),
) -> SystemdCgroup:
    """The container's cgroup as a unit of systemd; with ``resources`` and ``extra`` properties to make it with.

    Raises CgroupError as ``cgroup_for`` does.
    """
    from pyrunc.cgroups.systemd import SystemdCgroup

    return SystemdCgroup(_mounted(unit.path, hierarchies), unit, resources, extra)


def recorded_cgroup(path: str, unit: str, hierarchies: Sequence[Hierarchy]) -> Cgroup:
    """The cgroup of a container that has been made: at ``path``, as systemd's ``unit`` if that is not empty."""
    if not unit:
        return cgroup_for(path, hierarchies)
    from pyrunc.cgroups.systemd_units import Unit

    return systemd_cgroup(Unit(unit, "", path), hierarchies)


def _mounted(path: str, hierarchies: Sequence[Hierarchy]) -> CgroupV1 | CgroupV2:
    trees = {hierarchy.name: hierarchy for hierarchy in hierarchies}
    if any(tree.controllers for tree in trees.values() if not tree.is_v2):
        from pyrunc.cgroups.v1 import CgroupV1

        return CgroupV1(trees, path)
    if "" not in trees:
        raise CgroupError(
            "cgroups", "no cgroup file system is mounted: mount one, or use the cgroup manager 'disabled'"
        )
    from pyrunc.cgroups.v2 import CgroupV2

    return CgroupV2(trees[""].mountpoint, path)
