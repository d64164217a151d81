"""The interface of a snapshotter that can copy what is being written to: the file systems of containers, not only of images.

A fork is an active snapshot that begins as another active snapshot is at this moment; from then on each goes its own way. How long that
takes is the question, and there are three answers:

- **Nobody uses the source** (its container does not run). What it has written becomes a committed snapshot, and both it and the fork go on as empty
  children of that: the time does not depend on the data. A source that has written nothing since its last fork is not even committed again,
  so a template can be forked any number of times without its stack of layers growing.
- **The source is in use, and was prepared as ``forkable``.** The layer of a mounted overlay cannot be exchanged under its processes, so the first
  way is closed. But a forkable snapshot lives on a file system that copies on write (btrfs), and its copy is a snapshot of that: the time does
  not depend on the data either, but on how much of it has not reached the disk yet. ``flush`` writes that out, while the source is still in use.
- **The source is in use and was not prepared for this.** Its files are copied: as references to the same blocks where the file system can
  (FICLONE: XFS, btrfs), which takes a time for each file; otherwise byte by byte.

Nothing may write to the source meanwhile: whoever uses it has to stand still. (btrfs would make a snapshot all the same, but what was written last to
one file may then be in it, and what was written before that to another may not.)
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import pyrunc
from pycontainerd.snapshots.snapshotter import Snapshotter


@runtime_checkable
class ForkingSnapshotter(Snapshotter, Protocol):
    """All methods block, as the others do, and leave all or nothing behind."""

    def prepare_forkable(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """``prepare`` an active snapshot that can be forked quickly while it is in use. Unsupported where there is no btrfs."""
        ...

    def flush(self, source: str) -> None:
        """Do beforehand what would make the next ``fork`` of a source in use slow: who writes to it need not stand still for this."""
        ...

    def fork(self, key: str, source: str, *, in_use: bool) -> None:
        """Make the active snapshot ``key`` as the active snapshot ``source`` is now. ``in_use``: it is mounted somewhere, but nothing writes to it.

        Raises SnapshotNotFound, SnapshotExists, OSError.
        """
        ...
