"""An overlay all of whose layers are idmapped mounts, the upper one too, as a descriptor. Linux 5.19.

Kernels before 6.15 take layers only from the mount namespace that the overlay is made in, and before 6.7 no more than 255 bytes of them through
fsconfig(2). So a thread takes a mount namespace for itself, attaches the idmapped clones in it, all over the root directory, as they are named by
descriptors, mounts the overlay with mount(2), clones it (open_tree(2)) and ends: nothing was ever to be seen outside, and the clone lives as long as
its descriptor. The overlay has clones of its own of the layers.

What overlayfs makes for itself, it makes as who has mounted it; and root of the machine has no number on a mount whose map does not have him. So the thread is
the namespace's root for the file system (setfsuid(2)), with all of its capabilities.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from errno import EINVAL, ENOSYS

from pycontainerd.diff.owners import act_as
from pycontainerd.errors import Unsupported

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_PRIVATE_ALL = 1, 0x40000 | 0x4000
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_CLONE_TREE, _HERE, _EMPTY_PATH, _FROM_DESCRIPTOR, _ATTR_IDMAP = 1, -100, 0x1000, 4, 0x100000
_PAGE = 4096
"""Bytes that mount(2) takes as options."""


def mount(
    lowers: Sequence[str],
    settings: Sequence[tuple[str, str | None]],
    ids: int,
    root: tuple[int, int],
    *,
    read_only: bool,
) -> int:
    """The overlay's descriptor, the caller's to close. ``ids``: a user namespace, whose ``root`` has these numbers (uid, gid) here.

    Unsupported where it cannot be; OSError.
    """
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(_mount, lowers, dict(settings), ids, root, read_only).result()


def _mount(
    lowers: Sequence[str], given: dict[str, str | None], ids: int, root: tuple[int, int], read_only: bool
) -> int:
    _checked(_libc.unshare(_CLONE_NEWNS))
    _checked(_libc.mount(None, b"/", None, _MS_PRIVATE_ALL, None))
    with contextlib.ExitStack() as clones:
        named = [_layer(lower.replace("\\:", ":"), ids, clones) for lower in lowers]
        upper, work = given.get("upperdir"), given.get("workdir")
        point = lowers[0].replace("\\:", ":")
        if upper is not None and work is not None:  # they have to be on one mount
            point = os.path.commonpath([upper, work])
            both = _layer(point, ids, clones)
            given = given | {"upperdir": f"{both}/{os.path.relpath(upper, point)}"}
            given = given | {"workdir": f"{both}/{os.path.relpath(work, point)}"}
        words = [f"lowerdir={':'.join(named)}"]
        words += [key if value is None else f"{key}={value}" for key, value in given.items()]
        options = os.fsencode(",".join(words))
        if len(options) >= _PAGE:
            raise Unsupported(
                f"a user namespace of its own: {len(lowers)} layers are more than the kernel takes idmapped"
            )
        act_as(*root)
        _checked(_libc.mount(b"overlay", os.fsencode(point), b"overlay", _MS_RDONLY if read_only else 0, options))
        return _checked(_libc.syscall(_SYS_OPEN_TREE, _HERE, os.fsencode(point), _CLONE_TREE | os.O_CLOEXEC))


def _layer(path: str, ids: int, clones: contextlib.ExitStack) -> str:
    """An idmapped clone of a directory that is a layer, or has one in it, as a name for it in this mount namespace."""
    clone = _checked(_libc.syscall(_SYS_OPEN_TREE, _HERE, os.fsencode(path), _CLONE_TREE | os.O_CLOEXEC))
    clones.callback(os.close, clone)
    attributes = struct.pack("=QQQQ", _ATTR_IDMAP, 0, 0, ids)
    try:
        _checked(_libc.syscall(_SYS_MOUNT_SETATTR, clone, b"", _EMPTY_PATH, attributes, len(attributes)))
    except OSError as error:
        if error.errno in (EINVAL, ENOSYS):
            raise Unsupported(
                f"a user namespace of its own: no idmapped mount of {path}: its file system, or a kernel before 5.19, has none"
            ) from error
        raise
    _checked(_libc.syscall(_SYS_MOVE_MOUNT, clone, b"", _HERE, b"/", _FROM_DESCRIPTOR))
    return f"/proc/self/fd/{clone}"


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
