"""Which snapshotter a supervisor works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pycontainerd.errors import InvalidConfig
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots.forking import ForkingSnapshotter
from pycontainerd.snapshots.native import NativeSnapshotter
from pycontainerd.snapshots.overlayfs import OverlaySnapshotter

SnapshotterName: TypeAlias = Literal["overlayfs", "native"]

_DIRECTORIES: Mapping[str, str] = {"overlayfs": "snapshots", "native": "copies"}


def open_snapshotter(
    name: SnapshotterName, root: Path, database: Database, hidden: Sequence[Path]
) -> ForkingSnapshotter:
    """The one of this name, in its own directory of ``root``. InvalidConfig for a name that is none, and where another one has snapshots."""
    if name not in _DIRECTORIES:
        raise InvalidConfig("snapshotter", f"{name!r}: there are {' and '.join(_DIRECTORIES)}")
    for other, directory in _DIRECTORIES.items():
        if other != name and _has_some(root / directory):
            raise InvalidConfig(
                "snapshotter", f"{root} has snapshots of {other}: open it with that one, or choose another root"
            )
    if name == "native":
        return NativeSnapshotter(root / _DIRECTORIES[name], database)
    return OverlaySnapshotter(root / _DIRECTORIES[name], database, hidden=hidden)


def _has_some(directory: Path) -> bool:
    return directory.is_dir() and any(directory.iterdir())
