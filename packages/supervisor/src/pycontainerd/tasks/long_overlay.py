"""An overlay of many layers as a descriptor on kernels before 6.7, whose fsconfig(2) takes no more than 255 bytes of them.

There, mount(2) is the only way, and it mounts somewhere. So a thread takes a mount namespace for itself, mounts in it, clones the mount
(open_tree(2)) and ends: nothing was ever to be seen outside, and the clone lives as long as its descriptor.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_PRIVATE_ALL = 1, 0x40000 | 0x4000
_SYS_OPEN_TREE, _CLONE_TREE, _HERE = 428, 1, -100


def mount(lowers: Sequence[str], settings: Sequence[tuple[str, str | None]], *, read_only: bool) -> int:
    """The overlay's descriptor, the caller's to close. ``settings`` are the other parameters. OSError when the kernel refuses."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(_mount, lowers, settings, read_only).result()


def _mount(lowers: Sequence[str], settings: Sequence[tuple[str, str | None]], read_only: bool) -> int:
    _checked(_libc.unshare(_CLONE_NEWNS))  # takes this thread's working directory for its own, too
    _checked(_libc.mount(None, b"/", None, _MS_PRIVATE_ALL, None))
    given = dict(settings)
    paths = [*lowers, *(given[name] for name in ("upperdir", "workdir") if name in given)]
    base = os.path.commonpath([path for path in paths if path])
    os.chdir(base)
    for name in ("upperdir", "workdir"):
        if path := given.get(name):
            given[name] = os.path.relpath(path, base)
    # A page holds a hundred and more layers only if their names are short: from the directory that they all lie in.
    names = [os.path.relpath(lower, base) for lower in lowers]
    words = [
        "lowerdir=" + ":".join(names),
        *(key if value is None else f"{key}={value}" for key, value in given.items()),
    ]
    flags = _MS_RDONLY if read_only else 0
    _checked(_libc.mount(b"overlay", os.fsencode(names[0]), b"overlay", flags, os.fsencode(",".join(words))))
    return _checked(_libc.syscall(_SYS_OPEN_TREE, _HERE, os.fsencode(lowers[0]), _CLONE_TREE | os.O_CLOEXEC))


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
