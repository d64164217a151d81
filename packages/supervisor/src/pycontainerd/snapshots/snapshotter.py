"""The interface of a snapshotter, and the whole life of a snapshot.

A *committed* snapshot is a finished file system under the name of a chain ID. An *active* snapshot begins as a copy of a committed one, its
*parent* (or empty), and is written to: ``prepare`` makes it, ``mounts`` says how to mount it. It ends in one of two ways: ``commit`` gives
its content a name and makes it a possible parent (an image's layer), or ``remove`` forgets it (a container's file system). ``view`` is an
active snapshot that nobody can write to.

The layers of an image may be unpacked side by side, before it is known what each of them lies on. Where a snapshotter ``rebases``, what an
active snapshot receives does not depend on its parent: it can be prepared without one, written to, and be given one by ``rebase`` before it is
committed. (containerd calls this capability so, too.) Until then nobody sees the parent's files in it, and its root directory is not the
parent's: whoever unpacks a layer that way finishes it with `pycontainerd.diff.apply.settle`. Where a snapshot is a copy of its parent, there is
no such thing, and layers are unpacked one after the other.

Nothing is mounted by a snapshotter: ``mounts`` describes, and the runtime mounts inside the container's own mount namespace.
A parent outlives its children: removing one that has any is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from attrs import frozen

import pyrunc
from pycontainerd.diff.change import Difference


class Kind(StrEnum):
    """Where in its life a snapshot is."""

    COMMITTED = "committed"
    ACTIVE = "active"
    VIEW = "view"


@frozen
class Snapshot:
    """What is known of a snapshot: its key (active, view) or name (committed)."""

    key: str
    parent: str | None
    kind: Kind


@frozen
class Usage:
    """What a snapshot itself takes, without its parents: ``size`` in bytes on disk, ``inodes``."""

    size: int
    inodes: int


class Snapshotter(Protocol):
    """All methods block; call them from a thread. Errors: SnapshotNotFound, SnapshotExists, Conflict, OSError (the disk's).

    Each leaves all or nothing behind, also when it is killed, once the snapshotter was opened again.
    """

    in_place: bool
    """Whether ``writable`` has the parents' files in it as well, so that a layer that is unpacked there removes what it whites out."""
    rebases: bool
    """Whether an active snapshot can be given its parent later."""

    def prepare(self, key: str, parent: str | None) -> tuple[pyrunc.RootMount, ...]:
        """Make an active snapshot on top of ``parent`` and say how to mount it."""
        ...

    def view(self, key: str, parent: str) -> tuple[pyrunc.RootMount, ...]:
        """Make a read-only snapshot of ``parent``."""
        ...

    def mounts(self, key: str) -> tuple[pyrunc.RootMount, ...]:
        """How to mount an active snapshot or a view."""
        ...

    def rebase(self, key: str, parent: str) -> None:
        """Put the active snapshot ``key``, which was prepared without a parent, on top of ``parent``, a committed one. Its files stay as they are.

        SnapshotNotFound, also for a ``key`` that has a parent already, and for the built-in one as ``parent``. Unsupported where nothing ``rebases``.
        """
        ...

    def commit(self, name: str, key: str) -> None:
        """Turn the active snapshot ``key`` into the committed ``name``."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is a snapshot of this key or name."""
        ...

    def walk(self) -> list[Snapshot]:
        """All snapshots but the built-in one."""
        ...

    def remove(self, key: str) -> None:
        """Forget a snapshot and delete its files. Conflict while it is a parent."""
        ...

    def forget(self, key: str) -> Callable[[], None]:
        """The quick half of ``remove``: from now on there is no such snapshot. Calling what is returned deletes its files."""
        ...

    def usage(self, key: str) -> Usage:
        """Measure a snapshot, which may be written to meanwhile."""
        ...

    def writable(self, key: str) -> str:
        """The directory that receives what is written to an active snapshot."""
        ...

    def below(self, key: str) -> tuple[str, ...]:
        """The directories of its parents, nearest first: what the writable one covers."""
        ...

    def difference(self, key: str) -> Difference:
        """What a snapshot has that its parent has not, for ``diff.create`` and ``diff.compare``. It describes, and takes no time."""
        ...

    def close(self) -> None:
        """Let go of what is open or mounted; containers that use it go on."""
        ...
