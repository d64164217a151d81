"""Programs that the runtime runs at points of a container's life."""

from __future__ import annotations

import os
from typing import Any

from pycontainerd.containers.config import Hook
from pycontainerd.errors import InvalidConfig
from pyrunc import spec as oci


def hooks(wanted: tuple[Hook, ...]) -> oci.Hooks | None:
    """The section, in the order given; None without any. InvalidConfig for a point that does not exist, or a path that is not absolute."""
    if not wanted:
        return None
    points = {name: attribute for attribute, name, _, _ in oci.Hooks.members()}
    found: dict[str, Any] = {}
    for index, hook in enumerate(wanted):
        if hook.point not in points:
            raise InvalidConfig(f"hooks[{index}].point", f"there is no hook point {hook.point!r}")
        if not os.path.isabs(hook.path):
            raise InvalidConfig(f"hooks[{index}].path", f"{hook.path!r} is not absolute")
        attribute = points[hook.point]
        made = oci.Hook(path=hook.path, args=hook.args, env=hook.env, timeout=hook.timeout)
        found[attribute] = (*found.get(attribute, ()), made)
    return oci.Hooks(**found)
