"""What an image has where a volume is mounted becomes the first content of the volume: owners, modes, times, attributes, links and all.

It is copied beside the data first. A volume that nobody has mounted then gets it in one step, rename(2) over its directory, which the kernel refuses
unless that is empty: a daemon that is killed leaves all of it or nothing. In one that is mounted somewhere else, it is moved in piece by piece.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from pycontainerd import tree
from pycontainerd.confined import open_in_root
from pycontainerd.snapshots.copying import copy, dress

_STAGED: Final = ".pydockerd-staged"
_NOT_EMPTY: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST})


class NotADirectory(Exception):  # noqa: N818
    """What the image has at the place of the volume is a file."""


def fill(root: int, target: str, data: Path, *, mounted: bool) -> bool:
    """Copy what is at ``target`` below the directory ``root`` (a descriptor) to the volume ``data``; whether that was done.

    Not done when the image has nothing there, or the volume has something in it. ``mounted``: somebody sees the volume's directory, or a file
    system is mounted over it. Blocks. Raises NotADirectory, OSError.
    """
    try:
        source = open_in_root(root, target, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    except NotADirectoryError as error:
        raise NotADirectory from error
    try:
        if any(data.iterdir()):
            return False
        return _fill(f"/proc/self/fd/{source}/.", data, mounted=mounted)
    finally:
        os.close(source)


def clear(data: Path) -> None:
    """Remove what an interrupted copy has left. OSError."""
    for staged in (data.parent / _STAGED, data / _STAGED):
        with contextlib.suppress(FileNotFoundError):
            tree.remove(staged)


def _fill(source: str, data: Path, *, mounted: bool) -> bool:
    clear(data)
    # on the same file system as the data, so that it can be renamed
    staged = (data if mounted else data.parent) / _STAGED
    try:
        copy(source, str(staged))
        if mounted:
            return _move_in(staged, data, source)
        try:
            staged.rename(data)
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return False
        return True
    finally:
        with contextlib.suppress(FileNotFoundError):
            tree.remove(staged)


def _move_in(staged: Path, data: Path, source: str) -> bool:
    for entry in sorted(staged.iterdir()):
        entry.rename(data / entry.name)
    staged.rmdir()
    dress(source, str(data))
    return True
