"""Files of a container as archives (docker cp): one file or directory taken out, a tar put in. All of it blocks.

The root directory is a descriptor, and what is below it is the container's, which may change it at any moment. So the path that was asked for is
resolved by the kernel once, with ``RESOLVE_IN_ROOT`` (no symlink leads out: CVE-2018-15664), and from there on everything is done by descriptors.
Nothing of the container is run or loaded (CVE-2019-14271).
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Generator
from typing import IO

from attrs import frozen

from pycontainerd.confined import open_in_root
from pycontainerd.diff.apply import put
from pycontainerd.diff.create import archive_of
from pycontainerd.diff.owners import Owners
from pycontainerd.errors import PathNotFound, PathRefused


@frozen(kw_only=True)
class PathStat:
    """A file of a container. ``mode`` is ``st_mode``, ``link_target`` the absolute path that a symlink names, else empty."""

    name: str
    size: int
    mode: int
    mtime_ns: int
    link_target: str


def look(root: int, path: str, *, asked: str = "") -> PathStat:
    """What is at the path; a symlink is not followed, unless a slash comes after it. PathNotFound, PathRefused.

    ``asked`` is what it is called for who has asked, if that is another path: one that leads into a mount.
    """
    absolute, fd = _found(root, path, os.O_PATH | os.O_NOFOLLOW, asked)
    try:
        status = os.fstat(fd)
        target = os.fsdecode(os.readlink(b"", dir_fd=fd)) if stat.S_ISLNK(status.st_mode) else ""
    finally:
        os.close(fd)
    return PathStat(
        name=_base(absolute),
        size=status.st_size,
        mode=status.st_mode,
        mtime_ns=status.st_mtime_ns,
        link_target=posixpath.normpath(posixpath.join(posixpath.dirname(absolute), target)) if target else "",
    )


def take(root: int, path: str, owners: Owners, *, asked: str = "") -> Generator[bytes, None, None]:
    """The tar of a file, or of a directory with all in it; its names begin with the last part of the path. PathNotFound, PathRefused, OSError.

    ``owners``: how those in the container see the machine's. ``asked`` as for ``look``.
    """
    absolute, fd = _found(root, path, os.O_PATH | os.O_NOFOLLOW, asked)
    try:
        yield from archive_of(fd, os.fsencode(_base(absolute)), owners)
    finally:
        os.close(fd)


def give(root: int, path: str, source: IO[bytes], owners: Owners, *, keep_kinds: bool, asked: str = "") -> None:
    """Unpack a tar (seekable; plain, gzip or zstd) into the directory at the path, over what is there.

    ``owners`` is as for ``take``. With ``keep_kinds`` no directory is replaced by a file, nor the other way round. PathNotFound, PathRefused, LayerError, OSError.
    """
    _, fd = _found(root, path, os.O_PATH | os.O_DIRECTORY, asked)
    try:
        put(source, f"/proc/self/fd/{fd}/.", keep_kinds=keep_kinds, owners=owners)
    finally:
        os.close(fd)


def _found(root: int, path: str, flags: int, asked: str) -> tuple[str, int]:
    """The absolute path that was asked for, and a descriptor of what is there."""
    asked = asked or path
    if "\0" in path:  # the kernel would take what stands before it for the whole
        raise PathRefused(asked, "a zero is in it")
    absolute = path if path.startswith("/") else f"/{path}"
    try:
        return asked if asked.startswith("/") else f"/{asked}", open_in_root(root, absolute, flags)
    except FileNotFoundError:
        raise PathNotFound(asked) from None
    except (OSError, ValueError) as error:
        raise PathRefused(asked, getattr(error, "strerror", None) or str(error)) from error


def _base(absolute: str) -> str:
    """As Go's filepath.Base: of ``/a/.`` it is ``.``, of ``/a/`` it is ``a``, of ``/`` it is ``/``."""
    return posixpath.basename(absolute.rstrip("/")) or "/"
