"""What a layer says of those underneath: that something of theirs is gone (image-spec, layer.md, "Whiteouts").

``Marks`` is for a directory that holds one layer alone, above others: they become overlayfs' own marks, ``.wh.NAME`` a character device 0:0
named NAME, and ``.wh..wh..opq`` the attribute trusted.overlay.opaque of its directory. ``Removal`` is for a directory that holds all layers
at once: what is gone is removed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Final, Protocol

from pycontainerd import tree

PREFIX: Final = b".wh."
AUFS: Final = b".wh..wh."
OPAQUE: Final = b".wh..wh..opq"
OPAQUE_XATTR: Final = "trusted.overlay.opaque"
OVERLAY_XATTRS: Final = b"trusted.overlay."
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Whiteouts(Protocol):
    """``path`` is the directory's below the root. True is returned where directories may have gone."""

    in_place: bool
    literal: bool
    """Names that begin with ``.wh.`` are names like all others."""
    keep_kinds: bool
    """A directory is not replaced by what is none, nor the other way round."""

    def made(self, path: bytes) -> None:
        """This layer has something under this path."""
        ...

    def hide(self, directory: int, path: bytes, name: bytes) -> bool:
        """Nothing of the layers underneath is seen under ``name``. What this layer itself has there stays."""
        ...

    def hide_all(self, directory: int, path: bytes) -> bool:
        """Nothing of the layers underneath is seen in the directory."""
        ...


def is_mark(status: os.stat_result) -> bool:
    """Whether a file is overlayfs' word for "nothing is here"."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def make_opaque(parent: int, name: bytes) -> None:
    """Mark the directory ``name``."""
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        os.setxattr(descriptor, OPAQUE_XATTR, b"y")
    finally:
        os.close(descriptor)


class Marks:
    """Nothing has to be remembered: each mark says it all."""

    in_place = False
    literal = False
    keep_kinds = False

    def made(self, path: bytes) -> None:
        """See Whiteouts."""

    def hide(self, directory: int, path: bytes, name: bytes) -> bool:
        """See Whiteouts."""
        try:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=directory)
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(name, dir_fd=directory).st_mode):
                make_opaque(directory, name)
        return False

    def hide_all(self, directory: int, path: bytes) -> bool:
        """See Whiteouts."""
        os.setxattr(directory, OPAQUE_XATTR, b"y")
        return False


class Removal:
    """Remembers the paths that the layer has made, some 150 bytes each: which of two files is older cannot be seen."""

    in_place = True
    literal = False
    keep_kinds = False

    def __init__(self) -> None:
        self._made: set[bytes] = set()

    def made(self, path: bytes) -> None:
        """See Whiteouts."""
        while path and path not in self._made:
            self._made.add(path)
            path = path.rpartition(b"/")[0]

    def hide(self, directory: int, path: bytes, name: bytes) -> bool:
        """See Whiteouts."""
        inside = _joined(path, name)
        try:
            status = os.lstat(name, dir_fd=directory)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(status.st_mode):
            if inside not in self._made:
                os.unlink(name, dir_fd=directory)
            return False
        if inside not in self._made:
            tree.remove(os.fsdecode(name), dir_fd=directory)
        else:
            descriptor = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                self.hide_all(descriptor, inside)
            finally:
                os.close(descriptor)
        return True

    def hide_all(self, directory: int, path: bytes) -> bool:
        """See Whiteouts. Goes down only where the layer itself has something."""
        pending = [(os.dup(directory), path)]
        with contextlib.ExitStack() as opened:
            while pending:
                current, here = pending.pop()
                opened.callback(os.close, current)
                for text in os.listdir(current):
                    name = os.fsencode(text)
                    inside = _joined(here, name)
                    is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=current).st_mode)
                    if inside in self._made:
                        if is_directory:
                            pending.append((os.open(name, _DIRECTORY, dir_fd=current), inside))
                    elif is_directory:
                        tree.remove(os.fsdecode(name), dir_fd=current)
                    else:
                        os.unlink(name, dir_fd=current)
        return True


class NoLayer(Marks):
    """For a tar that is no layer, and is unpacked over files that somebody uses."""

    literal = True

    def __init__(self, *, keep_kinds: bool) -> None:
        self.keep_kinds = keep_kinds


def _joined(path: bytes, name: bytes) -> bytes:
    return path + b"/" + name if path else name
