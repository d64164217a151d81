"""What both versions' controllers add to cgroupspy's: a node that is only a path, whole-value writes, and values in the kernel's notation.

Only ``cgroupspy.controllers`` and ``cgroupspy.interfaces`` are imported. ``cgroupspy.nodes`` brings ``logging`` and ``re`` with it, which
cost more time than making all of a container's cgroups; a controller needs no more of its node than ``full_path``.
"""

# mypy: disable-error-code="misc"
# cgroupspy ships no types, so its classes are Any, and subclassing Any is all that "misc" finds here.

from __future__ import annotations

from collections.abc import Callable

from cgroupspy.interfaces import BaseFileInterface

from pyrunc.cgroups import directory
from pyrunc.model import frozen


@frozen
class Node:
    """One cgroup: what a cgroupspy controller asks of a node. ``full_path`` is bytes, as cgroupspy's own file names are."""

    full_path: bytes


class TextFile(BaseFileInterface):
    """A value in the kernel's own notation (``0-3,7``, ``max``): checked by the kernel, which knows all notations."""

    def sanitize_set(self, value: object) -> str:
        """Whatever it is, as text."""
        return str(value)


class Direct:
    """Files are written by exactly one write(2): a buffered file splits and retries, and loses the errno on close.

    ``before_writing`` is told each file's path and what it will get.
    """

    node: Node
    before_writing: Callable[[str, str], None] | None = None

    def path(self, filename: bytes) -> str:
        """The file's whole path."""
        return (self.node.full_path + b"/" + filename).decode()

    def get_property(self, filename: bytes) -> str:
        """cgroupspy's hook for reading."""
        return directory.read(self.path(filename)).strip()

    def set_property(self, filename: bytes, value: object) -> None:
        """cgroupspy's hook for writing. Several lines are several writes: each of them is one rule to the kernel."""
        path, text = self.path(filename), str(value)
        if self.before_writing is not None:
            self.before_writing(path, text)
        directory.write(path, *text.split("\n"))
