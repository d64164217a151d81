"""The files of an image as a Tree: a read-only view that is mounted nowhere, looked into by descriptors only."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from pycontainerd.confined import open_in_root
from pycontainerd.diff import attributes
from pycontainerd.diff.header import BLOCK_DEVICE, CHARACTER, FIFO, FILE
from pycontainerd.errors import SnapshotNotFound
from pycontainerd.snapshots.snapshotter import Snapshotter
from pycontainerd.tasks.detached import detached
from pydockerd.builder.tree import Kind, Node

PREFIX: Final = "pydockerd-build."
"""Of the names of views; those that a killed daemon has left are removed by the next."""
_PIECE: Final = 1 << 20
_LOOK: Final = os.O_PATH | os.O_NOFOLLOW
_OTHERS: Final = {stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK_DEVICE, stat.S_IFIFO: FIFO}
_KINDS: Final = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}


@contextlib.contextmanager
def viewed(snapshots: Snapshotter, parent: str) -> Iterator[RootTree]:
    """The files of the committed snapshot ``parent``, which somebody holds meanwhile. Blocks."""
    key = PREFIX + secrets.token_hex(8)
    snapshots.view(key, parent)
    try:
        with detached(snapshots.mounts(key), read_only=True) as root:
            yield RootTree(root)
    finally:
        with contextlib.suppress(SnapshotNotFound):
            snapshots.remove(key)


def clear_views(snapshots: Snapshotter) -> None:
    """Remove those that a killed daemon has left. Blocks."""
    for snapshot in snapshots.walk():
        if snapshot.key.startswith(PREFIX):
            snapshots.remove(snapshot.key)


@frozen
class RootTree:
    """See Tree. ``root`` is a descriptor."""

    root: int

    def node(self, path: str) -> Node | None:
        """See Tree."""
        try:
            fd = open_in_root(self.root, path or ".", _LOOK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _node(fd)
        finally:
            os.close(fd)

    def names(self, path: str) -> list[str]:
        """See Tree."""
        fd = open_in_root(self.root, path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            return sorted(os.listdir(fd))
        finally:
            os.close(fd)

    def pieces(self, path: str) -> Iterator[bytes]:
        """See Tree."""
        fd = open_in_root(self.root, path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            while piece := os.read(fd, _PIECE):
                yield piece
        finally:
            os.close(fd)


def _node(fd: int) -> Node:
    status = os.fstat(fd)
    form = stat.S_IFMT(status.st_mode)
    kind = _KINDS.get(form, Kind.OTHER)
    return Node(
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if kind is Kind.FILE else 0,
        mtime_ns=status.st_mtime_ns,
        link=os.readlink("", dir_fd=fd) if kind is Kind.LINK else "",
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)),
        tar_kind=_OTHERS.get(form, FILE),
        attributes=_attributes(fd) if kind in (Kind.FILE, Kind.DIRECTORY) else {},
    )


def _attributes(fd: int) -> dict[bytes, bytes]:
    """A descriptor that only points has none to tell."""
    opened = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return attributes.read(opened, b"")
    finally:
        os.close(opened)
