"""Copying a directory tree as it is: owners, modes, times, extended attributes (overlayfs' own among them), hard links, holes, devices.

The blocks of files are shared where the file system can (FICLONE), and copied where it cannot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from errno import EINVAL, ENOTTY, EOPNOTSUPP, EPERM, EXDEV

_OVERLAY = "trusted.overlay."
_FICLONE = 0x40049409
_CANNOT_CLONE = {EINVAL, ENOTTY, EOPNOTSUPP, EXDEV}
_CANNOT_COPY = {EINVAL, EOPNOTSUPP, EXDEV}
"""From one kind of file system to another, as from an overlay to what is below it."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGEST = 1 << 30


def copy(source: str, target: str) -> None:
    """Make the directory ``target`` as ``source`` is. Nothing may write to ``source`` meanwhile. OSError; what was copied by then stays."""
    os.mkdir(target)
    links: dict[int, str] = {}
    pending = [(source, target)]
    directories = []
    while pending:
        here, there = pending.pop()
        directories.append((here, there))
        with os.scandir(here) as entries:
            for entry in entries:
                place = f"{there}/{entry.name}"
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    os.mkdir(place)
                    pending.append((entry.path, place))
                elif status.st_nlink > 1 and status.st_ino in links:
                    os.link(links[status.st_ino], place, follow_symlinks=False)
                else:
                    links[status.st_ino] = place
                    _copy_entry(entry.path, place, status)
    for here, there in reversed(directories):  # the innermost first: what is made in a directory changes its times
        dress(here, there, os.stat(here))


def _copy_entry(source: str, target: str, status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFREG:
        _copy_file(source, target)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    else:
        os.mknod(target, status.st_mode, status.st_rdev)
    dress(source, target, status)


def dress(source: str, target: str, status: os.stat_result | None = None, *, overlay: bool = True) -> None:
    """Give ``target`` the owner, mode, times and extended attributes of ``source``; with ``overlay`` those of overlayfs, too."""
    status = status or os.lstat(source)
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source, follow_symlinks=False):
        if name.startswith(_OVERLAY) and not overlay:
            continue
        with contextlib.suppress(FileNotFoundError):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def _copy_file(source: str, target: str) -> None:
    original = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not _clone(original, made):
                _copy_data(original, made)
        finally:
            os.close(made)
    finally:
        os.close(original)


def _clone(original: int, made: int) -> bool:
    try:
        fcntl.ioctl(made, _FICLONE, original)
    except OSError as error:
        if error.errno not in _CANNOT_CLONE:
            raise
        return False
    return True


def _copy_data(original: int, made: int) -> None:
    """Only what is data (lseek(2), SEEK_DATA): holes stay holes, and the kernel copies."""
    size = os.fstat(original).st_size
    os.truncate(made, size)
    position = 0
    while position < size:
        try:
            begin = os.lseek(original, position, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return
        position = os.lseek(original, begin, os.SEEK_HOLE)
        while begin < position:
            begin += _piece(original, made, begin, position - begin)


def _piece(original: int, made: int, offset: int, length: int) -> int:
    try:
        copied = os.copy_file_range(original, made, min(length, _LARGEST), offset, offset)
    except OSError as error:
        if error.errno not in _CANNOT_COPY:
            raise
        os.lseek(made, offset, os.SEEK_SET)
        copied = os.sendfile(made, original, offset, min(length, _LARGEST))
    if copied == 0:
        raise OSError(EPERM, "a file became shorter while it was copied: something writes to it")
    return copied
