"""Names of systemd's units, and where their cgroups are (systemd.slice(5), systemd.scope(5)): pure functions."""

from __future__ import annotations

from pyrunc.errors import SpecError
from pyrunc.model import frozen

FIELD = "linux.cgroupsPath"
DEFAULT_SLICE = "system.slice"
DEFAULT_PREFIX = "pyrunc"
_SUFFIX = ".slice"
_LONGEST = 255


@frozen
class Unit:
    """The unit ``name`` of one container in the slice ``parent``; ``path`` is its cgroup below each mount point."""

    name: str
    parent: str
    path: str

    @property
    def is_slice(self) -> bool:
        """A slice is made for callers that put cgroups of their own below it; all others are scopes."""
        return self.name.endswith(_SUFFIX)


def unit_for(cgroups_path: str, id: str) -> Unit:
    """The unit that ``linux.cgroupsPath`` asks for: ``slice:prefix:name``, of which slice and prefix may be empty.

    Without any path: a scope named for the container in system.slice. Raises SpecError.
    """
    if cgroups_path:
        parts = cgroups_path.split(":")
        if len(parts) != 3 or not parts[2]:
            raise SpecError(
                FIELD, f'expected "slice:prefix:name" for systemd cgroups, got "{cgroups_path}" instead', cgroups_path
            )
        parent, prefix, name = parts
    else:
        parent, prefix, name = "", DEFAULT_PREFIX, id
    parent = parent or DEFAULT_SLICE
    if not name.endswith(_SUFFIX):
        name = f"{prefix}-{name}.scope"
    if "/" in name or len(name) > _LONGEST:
        raise SpecError(FIELD, f'"{name}" cannot be the name of a unit of systemd', cgroups_path)
    below = expanded(parent)
    return Unit(name, parent, f"{'' if below == '/' else below}/{name}")


def expanded(slice_name: str) -> str:
    """``a-b.slice`` is below ``a.slice``: ``/a.slice/a-b.slice``; ``-.slice`` is the root. Raises SpecError."""
    if slice_name == "-.slice":
        return "/"
    words = slice_name.removesuffix(_SUFFIX).split("-")
    if not slice_name.endswith(_SUFFIX) or "/" in slice_name or not all(words):
        raise SpecError(FIELD, f'"{slice_name}" is not the name of a slice of systemd', slice_name)
    return "".join(f"/{'-'.join(words[: count + 1])}{_SUFFIX}" for count in range(len(words)))
