"""Extended attributes, as far as a layer holds them."""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from pycontainerd.diff.whiteouts import OPAQUE_XATTR, OVERLAY_XATTRS
from pycontainerd.errors import LayerError

_OVERLAY: Final = os.fsdecode(OVERLAY_XATTRS)
_NOT_THE_FILES_OWN = ("security.selinux", "security.ima", "security.evm", "system.nfs4_acl")
"""The machine's policy gives files these, not their owner; they mean nothing elsewhere."""
_ELSEWHERE = (f"{_OVERLAY}redirect", f"{_OVERLAY}metacopy")
"""The content is in another place of a lower layer. Snapshots are mounted without these features."""


def read(path: int | str, label: bytes) -> dict[bytes, bytes]:
    """Of an open file, or of a path that is not followed. What goes meanwhile is left out. LayerError."""
    found = {}
    for name in _names(path):
        if name in _ELSEWHERE:
            raise LayerError(os.fsdecode(label), f"{name}: overlayfs says that its content is elsewhere")
        if name.startswith(_OVERLAY) or name in _NOT_THE_FILES_OWN:
            continue
        if "=" in name:
            raise LayerError(
                os.fsdecode(label), f"{name}: a layer cannot hold an attribute with = in its name; remove it"
            )
        value = _value(path, name)
        if value is not None:
            found[os.fsencode(name)] = value
    return found


def dress(source: str, target: str) -> None:
    """Give the directory ``target`` the owner, mode, time and attributes of ``source``, which it covers."""
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, stat.S_IMODE(status.st_mode))
    for name, value in read(source, b"./").items():
        os.setxattr(target, name, value)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def is_opaque(path: int | str) -> bool:
    """Whether overlayfs shows nothing of what is below the directory."""
    return _value(path, OPAQUE_XATTR) == b"y"


def _names(path: int | str) -> list[str]:
    try:
        return os.listxattr(path) if isinstance(path, int) else os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOENT):
            return []
        raise


def _value(path: int | str, name: str) -> bytes | None:
    try:
        return os.getxattr(path, name) if isinstance(path, int) else os.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP, errno.ENOENT):
            return None
        raise
