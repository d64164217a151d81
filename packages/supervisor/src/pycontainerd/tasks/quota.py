"""A limit on what a container writes, held by the file system: project quotas (ext4 and xfs, mounted with ``prjquota``).

The directories of its writable layer get a project of their own, which all that is made in them inherits, and the project a limit (quotactl_fd(2),
Linux 5.14; ioctl_fsgetxattr(2)). A removed container leaves an entry for a project that nobody uses, which the next one takes.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from errno import EINVAL, ENOSYS, ENOTTY, EOPNOTSUPP, ESRCH
from pathlib import Path
from typing import Final

from pycontainerd.errors import Unsupported

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_QUOTACTL_FD: Final = 443
_PROJECT: Final = 2
_GET_QUOTA, _SET_LIMITS = 0x5803, 0x5804
_GET_ATTRIBUTES, _SET_ATTRIBUTES = 0x801C581F, 0x401C5820
_ATTRIBUTES = struct.Struct("=IIIII8s")
"""xflags, extsize, nextents, projid, cowextsize."""
_INHERITED: Final = 0x200
_QUOTA = struct.Struct("=bbHI QQQQQQ iiHHbbbb QQQ iHh8s")
"""struct fs_disk_quota of linux/dqblk_xfs.h: version, flags, mask, id, and the block limits, in units of 512 bytes."""
_VERSION, _OF_A_PROJECT, _SOFT_AND_HARD = 1, 2, 4 | 8
_OURS: Final = 0x7D000000
"""Where our projects begin; 2²⁴ of them."""
_NONE = (ENOSYS, ENOTTY, EOPNOTSUPP, ESRCH, EINVAL)


def limit(directory: Path, size: int, wish: int) -> None:
    """Let all below ``directory`` together take no more than ``size`` bytes; ``wish`` says with which project to try first. Unsupported, OSError.

    What is there already counts, so the directory is best empty.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        project = _free(fd, wish)
        _set_limit(fd, project, size)
        _join(directory, project)
    except OSError as error:
        if error.errno in _NONE:
            raise Unsupported(
                "--storage-opt is supported only for overlay over a file system with project quotas: xfs mounted with 'pquota', or ext4"
                f" with 'prjquota'; {directory} is on none"
            ) from error
        raise
    finally:
        os.close(fd)


def _free(fd: int, wish: int) -> int:
    """A project that has no file."""
    for attempt in range(1 << 12):
        project = _OURS + (wish + attempt) % (1 << 24)
        if not _usage(fd, project):
            return project
    raise Unsupported("no project without files is found for a quota")


def _usage(fd: int, project: int) -> int:
    buffer = ctypes.create_string_buffer(_QUOTA.size)
    if _quotactl(fd, _GET_QUOTA, project, buffer):
        if ctypes.get_errno() == 2:  # ENOENT: xfs knows nothing of it
            return 0
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    fields = _QUOTA.unpack(buffer.raw)
    return int(fields[8] + fields[9])  # blocks and inodes


def _set_limit(fd: int, project: int, size: int) -> None:
    blocks = max(1, size // 512)
    head = (_VERSION, _OF_A_PROJECT, _SOFT_AND_HARD, project, blocks, blocks)
    buffer = ctypes.create_string_buffer(
        _QUOTA.pack(*head, *(0,) * (len(_QUOTA.unpack(bytes(_QUOTA.size))) - 7), bytes(8))
    )
    if _quotactl(fd, _SET_LIMITS, project, buffer):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _quotactl(fd: int, command: int, project: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    return int(_libc.syscall(_SYS_QUOTACTL_FD, fd, command << 8 | _PROJECT, project, buffer))


def _join(directory: Path, project: int) -> None:
    """Give a tree to the project. Nobody else uses it yet; what is neither a file nor a directory takes no blocks worth counting."""
    for path, _, names in os.walk(directory):
        for name in (".", *names):
            _set_project(os.path.join(path, name), project)


def _set_project(path: str, project: int) -> None:
    if not (os.path.isdir(path) or os.path.isfile(path)) or os.path.islink(path):
        return
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        flags, extent, extents, _, copied, rest = _ATTRIBUTES.unpack(
            fcntl.ioctl(fd, _GET_ATTRIBUTES, bytes(_ATTRIBUTES.size))
        )
        inherited = _INHERITED if os.path.isdir(path) else 0
        changed = _ATTRIBUTES.pack(flags | inherited, extent, extents, project, copied, rest)
        fcntl.ioctl(fd, _SET_ATTRIBUTES, changed)
    finally:
        os.close(fd)
