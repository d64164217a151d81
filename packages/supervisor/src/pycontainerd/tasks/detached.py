"""A snapshot's file system as a descriptor: mounted, but nowhere (fsmount(2), open_tree(2)).

Such a mount appears in no mount table, cannot be walked into by anybody else, and is gone when its last descriptor is closed, SIGKILL
included. Linux 5.2 and later.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from errno import EINVAL, ENOSYS

from pycontainerd.errors import Unsupported
from pycontainerd.tasks import idmapped_overlay, long_overlay
from pyrunc import RootMount

_libc = ctypes.CDLL(None, use_errno=True)
# The same numbers on every architecture.
_SYS_OPEN_TREE, _SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 428, 430, 431, 432
_SYS_MOUNT_SETATTR, _EMPTY_PATH = 442, 0x1000
_CLONE_TREE, _CLOEXEC_TREE = 1, os.O_CLOEXEC
_CLOEXEC = 1
_SET_FLAG, _SET_STRING, _CMD_CREATE = 0, 1, 6
_ATTR_RDONLY, _ATTR_IDMAP = 1, 0x100000
_LONGEST = 255
"""Bytes that fsconfig(2) takes as one value."""


@contextlib.contextmanager
def detached(mounts: Sequence[RootMount], *, read_only: bool, ids: int | None = None) -> Iterator[int]:
    """The root directory of ``mounts`` as a descriptor for ``*at`` calls. OSError when the kernel refuses.

    ``read_only`` mounts an overlay without an upper layer, so that it never competes with a container that uses the same snapshot.

    ``ids`` is a user namespace (`pycontainerd.tasks.idmap`): owners of the layers below are seen through its maps, and nothing on the disk is changed for it.
    What is written to an overlay goes to its upper layer with the owners that the writer has; a root that is no overlay is mapped as a whole.
    Unsupported where the kernel has no idmapped mounts for them: Linux 5.12 for plain file systems, 6.15 for overlays of mounts that are nowhere.
    """
    if len(mounts) != 1:
        raise Unsupported(f"a root of {len(mounts)} mounts cannot be opened on its own")
    (mount,) = mounts
    if mount.fstype == "overlay":
        fd = _overlay(mount.options, read_only) if ids is None else _idmapped_overlay(mount.options, read_only, ids)
    else:
        fd = _call(_SYS_OPEN_TREE, -100, os.fsencode(mount.source), _CLONE_TREE | _CLOEXEC_TREE)
    try:
        if mount.fstype != "overlay":
            _set_attributes(fd, read_only="ro" in mount.options, ids=ids)
        directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
        try:
            yield directory
        finally:
            os.close(directory)
    finally:
        os.close(fd)  # with it the mount goes


@contextlib.contextmanager
def idmapped(mounts: Sequence[RootMount], ids: int, root: tuple[int, int]) -> Iterator[int]:
    """``mounts`` as who lives in the user namespace ``ids`` is to have them, writable: what he writes is stored with the numbers that he has there.
    ``root`` of that namespace has this uid and gid here.

    The descriptor is the mount's own, to be attached somewhere (move_mount(2)). Unsupported without idmapped mounts: Linux 5.12, 5.19 for overlays; OSError.
    """
    if len(mounts) != 1:
        raise Unsupported(f"a root of {len(mounts)} mounts cannot be idmapped")
    (mount,) = mounts
    if mount.fstype == "overlay":
        fd = idmapped_overlay.mount(*_parts(mount.options, read_only=False), ids, root, read_only="ro" in mount.options)
    else:
        fd = _call(_SYS_OPEN_TREE, -100, os.fsencode(mount.source), _CLONE_TREE | _CLOEXEC_TREE)
    try:
        if mount.fstype != "overlay":
            _set_attributes(fd, read_only="ro" in mount.options, ids=ids)
        yield fd
    finally:
        os.close(fd)


def _set_attributes(fd: int, *, read_only: bool, ids: int | None) -> None:
    """mount_setattr(2): what is older has no way to do it to a mount that is nowhere."""
    flags = (_ATTR_RDONLY if read_only else 0) | (_ATTR_IDMAP if ids is not None else 0)
    if not flags:
        return
    attributes = struct.pack("=QQQQ", flags, 0, 0, ids or 0)
    try:
        _call(_SYS_MOUNT_SETATTR, fd, b"", _EMPTY_PATH, attributes, len(attributes))
    except OSError as error:
        if error.errno == ENOSYS:
            raise Unsupported("a read-only or idmapped view of files needs Linux 5.12") from error
        if error.errno == EINVAL and ids is not None:
            raise Unsupported("ids: the file system has no idmapped mounts, or the map is none") from error
        raise


def _idmapped_overlay(options: Sequence[str], read_only: bool, ids: int) -> int:
    """An overlay of clones of its lower layers. They are named by descriptors, and stay as long as the overlay does."""
    lowers, settings = _parts(options, read_only)
    upper = dict(option.partition("=")[::2] for option in options).get("upperdir")
    with contextlib.ExitStack() as clones:
        named = []
        for lower in (lower.replace("\\:", ":") for lower in lowers):
            if lower == upper:  # written by who has the mapped ids himself
                named.append(lower)
                continue
            clone = _call(_SYS_OPEN_TREE, -100, os.fsencode(lower), _CLONE_TREE | _CLOEXEC_TREE)
            clones.callback(os.close, clone)
            _set_attributes(clone, read_only=False, ids=ids)
            named.append(f"/proc/self/fd/{clone}")
        try:
            return _configured([*(("lowerdir+", name) for name in named), *settings], read_only or "ro" in options)
        except OSError as error:
            if error.errno == EINVAL:
                raise Unsupported("ids: an overlay of idmapped layers needs Linux 6.15") from error
            raise


def _overlay(options: Sequence[str], read_only: bool) -> int:
    lowers, settings = _parts(options, read_only)
    read_only = read_only or "ro" in options
    joined = ":".join(lowers)
    if len(os.fsencode(joined)) <= _LONGEST:
        return _configured([("lowerdir", joined), *settings], read_only)
    plain = [lower.replace("\\:", ":") for lower in lowers]
    try:
        return _configured([*(("lowerdir+", lower) for lower in plain), *settings], read_only)
    except OSError as error:
        if error.errno != EINVAL:
            raise
        return long_overlay.mount(plain, settings, read_only=read_only)  # before Linux 6.7


def _configured(settings: Sequence[tuple[str, str | None]], read_only: bool) -> int:
    context = _call(_SYS_FSOPEN, b"overlay", _CLOEXEC)
    try:
        for key, value in settings:
            if value is None:
                _call(_SYS_FSCONFIG, context, _SET_FLAG, key.encode(), None, 0)
            else:
                _call(_SYS_FSCONFIG, context, _SET_STRING, key.encode(), os.fsencode(value), 0)
        _call(_SYS_FSCONFIG, context, _CMD_CREATE, None, None, 0)
        return _call(_SYS_FSMOUNT, context, _CLOEXEC, _ATTR_RDONLY if read_only else 0)
    finally:
        os.close(context)


def _parts(options: Sequence[str], read_only: bool) -> tuple[list[str], list[tuple[str, str | None]]]:
    """The lower layers, highest first, and the other parameters."""
    given = dict(option.partition("=")[::2] for option in options if option not in {"ro", "rw"})
    lowers = _split(given.pop("lowerdir", ""))
    upper, work = given.pop("upperdir", None), given.pop("workdir", None)
    settings: list[tuple[str, str | None]] = [(key, value or None) for key, value in given.items()]
    if read_only and upper is not None and "/" not in lowers:  # the upper layer is itself below /: as a lower one ELOOP
        return [upper, *lowers], settings
    if upper is not None and work is not None:
        settings += [("upperdir", upper), ("workdir", work)]
    return lowers, settings


def _split(lowerdir: str) -> list[str]:
    """The parts between colons; ``\\:`` is a colon in a name."""
    parts, current = [], ""
    for piece in lowerdir.split(":"):
        current += piece
        if current.endswith("\\"):
            current += ":"
        else:
            parts.append(current)
            current = ""
    return parts


def _call(number: int, *arguments: object) -> int:
    result = _libc.syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return int(result)
