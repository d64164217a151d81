"""Images that are mounted into containers of other images: read-only views of their layers, each for one mount of one container.

A view is a snapshot with a name of ours. It keeps its layers from being collected, whatever becomes of the image, and goes with its container.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from pycontainerd.errors import SnapshotNotFound
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.detached import detached
from pydockerd.volumes import kernel

_PREFIX: Final = "pydockerd-mount."


class ImageViews:
    """``snapshots`` is the supervisor's, which is there when it opens. All methods block."""

    def __init__(self, snapshots: Callable[[], Snapshotter]) -> None:
        self._snapshots = snapshots

    def make(self, container: str, number: int, parent: str) -> None:
        """The view for a container's n-th mount, of the image whose uppermost layer is ``parent``. Conflict, OSError."""
        self._snapshots().view(_key(container, number), parent)

    def mount(self, container: str, number: int, subpath: str, place: Path) -> None:
        """Mount it there, or the part of it that a subpath names: links in an image lead out of it as little as those in a volume. OSError."""
        with detached(self._snapshots().mounts(_key(container, number)), read_only=True) as root:
            if not subpath:
                kernel.attach(root, place)
                return
            whole = place.with_name(f"{place.name}.image")
            kernel.attach(root, whole)
            try:
                kernel.bind_inside(whole, subpath, place)
            finally:
                kernel.clear_point(whole)

    def remove(self, container: str, number: int) -> None:
        """It goes; what is not there is no failure."""
        try:
            self._snapshots().remove(_key(container, number))
        except SnapshotNotFound:
            return

    def clear(self, known: Collection[str]) -> None:
        """Remove those of containers that are no more."""
        for snapshot in self._snapshots().walk():
            if snapshot.key.startswith(_PREFIX) and snapshot.key.split(".")[1] not in known:
                self._snapshots().remove(snapshot.key)


def _key(container: str, number: int) -> str:
    return f"{_PREFIX}{container}.{number}"
