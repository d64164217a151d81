"""Changing the limits of a cgroup in use: which order the kernel takes, and the old limits when it refuses one of the new."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EINVAL
from typing import TYPE_CHECKING, Self

from pyrunc.cgroups import directory
from pyrunc.errors import CgroupError
from pyrunc.model import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyrunc.cgroups.driver import Setting

_UNLIMITED = {
    "io.max": "rbps=max wbps=max riops=max wiops=max",
    "io.weight": "default",
    "io.bfq.weight": "default",
    "rdma.max": "hca_handle=max hca_object=max",
}
"""By file: what takes back the line of one device."""
_KEYED = ("_device", "ifpriomap")
"""Ends of the names of version 1's files that have a line for each device; there 0 takes it back."""


def write_all(settings: Iterable[Setting], put: Callable[[Setting], None]) -> None:
    """``put`` each. Raises its CgroupError.

    The kernel checks some values against each other: memory against memory and swap together, quota against period and burst. Which of
    two must go first depends on the old ones. So what it calls invalid is asked again after the others, as long as one more is taken.
    """
    waiting = list(settings)
    while waiting:
        refused: list[tuple[Setting, CgroupError]] = []
        for setting in waiting:
            try:
                put(setting)
            except CgroupError as error:
                if error.errno != EINVAL:
                    raise
                refused.append((setting, error))
        if len(refused) == len(waiting):
            raise refused[0][1]
        waiting = [setting for setting, _ in refused]


@define
class Undo:
    """A context manager: writes that it was told of before they were made are taken back, the last first, if the block fails."""

    _before: list[tuple[str, str]] = field(factory=list)
    """Path, and what to write there."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is not None:
            # A value that was legal before is refused only if something else changed meanwhile; the rest should be as it was all the same.
            write_back = reversed(self._before)
            for path, text in write_back:
                with suppress(OSError):
                    directory.write(path, *text.split("\n"))

    def remember(self, path: str, new: str) -> None:
        """``new`` is going to be written to ``path``. What cannot be read (it does not exist) will not have been written either."""
        with suppress(OSError):
            self._before.append((path, before(os.path.basename(path), directory.read(path).strip(), new)))


def before(name: str, text: str, new: str) -> str:
    """What to write to the file ``name`` to have again what it showed (``text``) before ``new`` was written.

    Files with a line for each device are written line by line: those lines that ``new`` changes, or what stands for none.
    """
    if name == "memory.oom_control":
        return text.split("\n", maxsplit=1)[0].removeprefix("oom_kill_disable ")
    if name not in _UNLIMITED and not name.endswith(_KEYED):
        return text
    shown = dict(line.split(" ", 1) for line in text.split("\n") if " " in line)
    keys = dict.fromkeys(line.split(" ")[0] if " " in line else "default" for line in new.split("\n"))
    return "\n".join(f"{key} {shown.get(key, _UNLIMITED.get(name, '0'))}" for key in keys)
