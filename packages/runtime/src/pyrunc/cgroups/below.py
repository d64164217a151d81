"""Cgroups that a container has made below its own, for processes that are to run in one of them (``exec --cgroup`` of runc)."""

from __future__ import annotations

import os
from posixpath import normpath

from pyrunc.cgroups.v1 import CgroupV1
from pyrunc.cgroups.v2 import CgroupV2
from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrunc.cgroups.driver import Cgroup

_FIELD = "cgroup"


def below(cgroup: Cgroup, places: Mapping[str, str]) -> Cgroup:
    """What a process is to join instead of the container's own ``cgroup``: of version 1 by controller, or with the key ``""`` everywhere.

    Places are relative to the container's cgroup and must exist. Raises CgroupError.
    """
    inner = getattr(cgroup, "inner", cgroup)
    if not isinstance(inner, CgroupV1 | CgroupV2):
        raise CgroupError(_FIELD, "cgroups are disabled for this container")
    whole = {controller: _whole(inner.path, place) for controller, place in places.items()}
    if isinstance(inner, CgroupV2):
        unknown = sorted(set(places) - {""})
        if unknown:
            raise CgroupError(_FIELD, f"cgroup v2 has one hierarchy: name the cgroup without {unknown[0]}:")
        return CgroupV2(inner.mountpoint, _existing(inner.mountpoint, whole[""]))
    return _Apart.of(inner, whole)


def _whole(path: str, place: str) -> str:
    """Below each mount point. ``..`` may not lead out of the container's cgroup."""
    found = normpath(f"{path}/{place}")
    if found != path and not found.startswith(f"{path}/"):
        raise CgroupError(_FIELD, f"{place} is not a sub cgroup path")
    return found


def _existing(mountpoint: str, path: str) -> str:
    if not os.path.isdir(mountpoint + path):
        raise CgroupError(_FIELD, f"{mountpoint}{path} does not exist")
    return path


class _Apart(CgroupV1):
    """Version 1, with a path of its own in each hierarchy."""

    _paths: Mapping[str, str]

    @classmethod
    def of(cls, cgroup: CgroupV1, places: Mapping[str, str]) -> _Apart:
        """``places`` by controller; what is not named is the container's own cgroup."""
        controllers = {controller for tree in cgroup.trees.values() for controller in tree.controllers}
        for controller in places:
            if controller and controller not in controllers:
                raise CgroupError(_FIELD, f"unknown controller {controller}")
        made = cls(cgroup.trees, cgroup.path)
        made._paths = {}
        for name, tree in cgroup.trees.items():
            named = [places[controller] for controller in tree.controllers if controller in places]
            if named:
                made._paths[name] = _existing(tree.mountpoint, named[0])
            elif "" in places and tree.controllers and not tree.is_v2:
                made._paths[name] = _existing(tree.mountpoint, places[""])
            elif "" in places and os.path.isdir(tree.mountpoint + places[""]):
                made._paths[name] = places[""]  # no controllers: membership only
        return made

    def open_procs(self, hierarchy: str) -> int:
        """See Cgroup."""
        return CgroupV1(self.trees, self._paths.get(hierarchy, self.path)).open_procs(hierarchy)

    def open_directory(self) -> int:
        """See Cgroup."""
        return CgroupV1(self.trees, self._paths.get("", self.path)).open_directory()
