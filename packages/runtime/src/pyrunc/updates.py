"""Changing a container's limits: in its cgroup, and in the config.json of its state directory, so that later calls know of them."""

from __future__ import annotations

from pyrunc.cgroups.changes import merged
from pyrunc.jsontext import dumps, loads
from pyrunc.spec.resources import Resources
from pyrunc.statedir import CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.cgroups.driver import Cgroup
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
