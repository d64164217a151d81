"""Changing a container's limits: in its cgroup, and in the config.json of its state directory, so that later calls know of them."""

from __future__ import annotations

from pyrunc.cgroups.changes import merged
from pyrunc.errors import SpecError
from pyrunc.jsontext import dumps, loads
from pyrunc.model import evolve
from pyrunc.spec.resources import Resources
from pyrunc.statedir import CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.spec.intelrdt import IntelRdt
    from pyrunc.spec.linux import Linux
    from pyrunc.statedir import StateDirectory


def update(directory: StateDirectory, cgroup: Cgroup, changes: Resources) -> None:
    """Under the container's lock. Raises CgroupError, OSError; then nothing is changed."""
    content = directory.read(CONFIG)
    document = loads(content)
    linux = document.get("linux") or {}
    before = Resources.from_json(linux.get("resources") or {}, "linux.resources")
    document["linux"] = {**linux, "resources": merged(before, changes).to_json()}
    # Written first: of the two, this is what can be taken back without asking anybody.
    directory.write(CONFIG, dumps(document).encode())
    try:
        cgroup.update(changes, before)
    except BaseException:
        directory.write(CONFIG, content)
        raise


def update_rdt(directory: StateDirectory, changes: IntelRdt) -> None:
    """New shares for the group of resctrl that the container is in: the lines that ``changes`` has, of which others stay.

    Under the container's lock. Raises SpecError where the container has no group, CgroupError with what the kernel says; then nothing is changed.
    """
    from pyrunc.compile.rdt import rdt_group
    from pyrunc.facts import Facts
    from pyrunc.resctrl import change
    from pyrunc.spec import Spec

    content = directory.read(CONFIG)
    spec = Spec.load(content)
    linux = spec.linux
    if linux is None or linux.intel_rdt is None:
        raise SpecError("linux.intelRdt", "the container was made without it, so it has no group to change")
    changed = _changed(linux, linux.intel_rdt, changes)
    group = rdt_group(changed, Facts.probe().resctrl, directory.id)
    assert group is not None
    directory.write(CONFIG, dumps(evolve(spec, linux=changed).to_json()).encode())
    try:
        change(group)
    except BaseException:
        directory.write(CONFIG, content)
        raise


def _changed(linux: Linux, before: IntelRdt, changes: IntelRdt) -> Linux:
    return evolve(
        linux,
        intel_rdt=evolve(
            before,
            schemata=changes.schemata or before.schemata,
            l3_cache_schema=changes.l3_cache_schema or before.l3_cache_schema,
            mem_bw_schema=changes.mem_bw_schema or before.mem_bw_schema,
        ),
    )
