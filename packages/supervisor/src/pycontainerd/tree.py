"""Removing and measuring directory trees that somebody else has filled: as deep as he likes, changing while one looks.

shutil.rmtree and os.walk recurse, and a container needs one shell loop for a tree that is deeper than Python's stack.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from itertools import count

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: str | os.PathLike[str], *, dir_fd: int | None = None) -> None:
    """Remove the directory and everything in it; symlinks are not followed. OSError for what cannot be removed.

    Nothing is removed where it lies deep: its directories are moved up to the top one first, so neither the stack nor the number of open
    descriptors nor the length of a path grows with the depth.
    """
    empty(path, dir_fd=dir_fd)
    os.rmdir(path, dir_fd=dir_fd)


def empty(path: str | os.PathLike[str], *, dir_fd: int | None = None) -> None:
    """Remove everything in the directory, in the same way."""
    top = os.open(path, _DIRECTORY, dir_fd=dir_fd)
    try:
        fresh = (f"{secrets.token_hex(8)}.{number}" for number in count())
        while entries := os.listdir(top):
            for entry in entries:
                if not _unlinked(entry, top):
                    _empty(entry, top, fresh)
                    os.rmdir(entry, dir_fd=top)
    finally:
        os.close(top)


def _unlinked(name: str, directory: int) -> bool:
    """Remove what is no directory; False for one."""
    try:
        os.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        return False
    return True


def _empty(name: str, top: int, fresh: Iterator[str]) -> None:
    """Remove the files of a directory in ``top``, and move its directories up."""
    directory = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        for entry in os.listdir(directory):
            if not _unlinked(entry, directory):
                os.rename(entry, next(fresh), src_dir_fd=directory, dst_dir_fd=top)
    finally:
        os.close(directory)


def measure(path: str) -> tuple[int, int]:
    """(bytes on disk, inodes) of all that is below ``path``. Hard links count once; what vanishes meanwhile does not count."""
    size, seen = 0, set[int]()
    pending = [path]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_ino not in seen:
                        seen.add(status.st_ino)
                        size += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return size, len(seen)
