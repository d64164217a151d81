"""A disk that is full, for one container and one directory; and the device that a directory is on.

A directory becomes the lower layer of an overlay whose upper one is a tmpfs without room, mounted over it in the container's own mount namespace.
So nothing of the machine's disk is used up, everything is there to be read, and undoing it is unmounting.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from errno import EINVAL, ELOOP, ENOENT, ENOTDIR

from pycontainerd.errors import InvalidConfig, RuntimeFailed, Unsupported
from pycontainerd.faults.subject import Subject

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_PAGE = 4096
_INODES = 64
"""More than overlayfs needs for itself; what is left is used up."""


def device_of(directory: str) -> tuple[int, int]:
    """The whole block device (major, minor) below a directory. Unsupported where there is none."""
    number = os.stat(directory).st_dev
    if os.major(number) == 0:  # btrfs, tmpfs: the file system has no device's number
        number = _source_of(os.path.realpath(directory))
    place = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    if not os.path.exists(place):
        raise Unsupported(f"slow_disk: {directory} is on no block device, which alone can be slowed down")
    if os.path.exists(f"{place}/partition"):
        with open(f"{place}/../dev", encoding="ascii") as file:
            major, minor = file.read().strip().split(":")
        return int(major), int(minor)
    return os.major(number), os.minor(number)


def _source_of(directory: str) -> int:
    """The device that was mounted there, by its name in the mount table; 0 if it is none."""
    best, source = "", ""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields, _, rest = line.partition(" - ")
            point = fields.split(" ")[4]
            if f"{directory}/".startswith(f"{point.rstrip('/')}/") and len(point) >= len(best):
                best, source = point, rest.split(" ")[1]
    with contextlib.suppress(OSError):
        return os.stat(source).st_rdev
    return 0


@contextlib.asynccontextmanager
async def full(subject: Subject, pid: int, path: str, leave: int) -> AsyncIterator[None]:
    """Inside, the disk below ``path`` of the container that process ``pid`` is in is full."""
    _check(path)
    await asyncio.to_thread(_inside, pid, lambda: _cover(path, leave))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has ended, and its mounts with it
            await asyncio.to_thread(_inside, pid, lambda: _uncover(path))


def _check(path: str) -> None:
    """The root itself cannot be covered: the processes are in it already. A comma would end an option of the mount."""
    if not path.startswith("/") or os.path.normpath(path) == "/" or set(path) & set(",:\\"):
        raise InvalidConfig(
            "path", f"{path!r}: expected a directory below /, as the container sees it, without : , and \\"
        )


def _inside(pid: int, do: Callable[[], None]) -> None:
    """Call ``do`` in a thread that is in the mount namespace of ``pid``, and that ends afterwards."""
    with ThreadPoolExecutor(1) as once:
        once.submit(_joined, pid, do).result()


def _joined(pid: int, do: Callable[[], None]) -> None:
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.unshare(_CLONE_FS))  # the directories of this thread are its own from now on
        _checked(_libc.setns(namespace, _CLONE_NEWNS))
    finally:
        os.close(namespace)
    do()


def _cover(path: str, leave: int) -> None:
    """Two mounts on end: the tmpfs, by whose names the overlay finds its upper layer, and the overlay itself."""
    try:
        below = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {ENOENT, ENOTDIR, ELOOP}:
            raise InvalidConfig("path", f"{path}: {error.strerror}; expected a directory of the container") from error
        raise
    try:
        status = os.fstat(below)
        size = max(_PAGE * 4, leave)
        options = f"size={size},nr_inodes={_INODES + leave // _PAGE},mode=0700"
        _checked(_libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options.encode()))
        try:
            memory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _overlay(path, below, memory, status)
                if not leave:
                    _use_up(memory)
            finally:
                os.close(memory)
        except BaseException:
            _libc.umount2(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW)
            raise
    finally:
        os.close(below)


def _overlay(path: str, below: int, memory: int, status: os.stat_result) -> None:
    os.mkdir("upper", 0o700, dir_fd=memory)
    os.mkdir("work", 0o700, dir_fd=memory)
    os.chown("upper", status.st_uid, status.st_gid, dir_fd=memory)
    os.chmod("upper", status.st_mode & 0o7777, dir_fd=memory)
    os.fchdir(below)  # the lower layer has no name any more: the tmpfs is on top of it
    options = f"lowerdir=.,upperdir={path}/upper,workdir={path}/work"
    if _libc.mount(b"overlay", os.fsencode(path), b"overlay", 0, os.fsencode(options)) < 0:
        number = ctypes.get_errno()
        if number == EINVAL:
            raise Unsupported(
                f"disk_full: an overlay over {path} is refused: its file system is one on another already"
            )
        raise OSError(number, os.strerror(number), path)


def _use_up(memory: int) -> None:
    """No block and no inode is left."""
    with contextlib.suppress(OSError):
        for number in range(_INODES):
            file = os.open(f"filler{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=memory)
            try:
                with contextlib.suppress(OSError):
                    while os.write(file, bytes(_PAGE)):
                        pass
            finally:
                os.close(file)


def _uncover(path: str) -> None:
    for _ in range(2):
        if _libc.umount2(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW) < 0:
            raise RuntimeFailed(f"disk_full: {path} is not as it was: {os.strerror(ctypes.get_errno())}")


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
