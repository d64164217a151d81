"""Opening files of a container's file system so that no symbolic link leads out of it."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RESOLVE_IN_ROOT = 0x10


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """openat2(2) of ``path`` as if the directory ``root`` (a descriptor) were ``/``, ``..`` and symbolic links included.

    Returns a descriptor that closes on exec. Raises OSError, with EXDEV or ELOOP for what tries to leave.
    """
    return _open(root, os.fsencode(path), flags, mode, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)


def open_beneath(root: int, path: bytes, flags: int) -> int:
    """openat2(2) of ``path`` below the directory ``root`` without following any symbolic link: OSError, ELOOP for one, EXDEV for ``..``."""
    return _open(root, path, flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS)


def _open(root: int, path: bytes, flags: int, mode: int, resolve: int) -> int:
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    fd = _libc.syscall(_SYS_OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how))
    if fd < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return int(fd)
