"""The few calls to mount and to look at mounts. All of them block.

Mounts are made from descriptors (open_tree(2), move_mount(2)), so that what was checked is what is mounted, whatever happens to the path meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pycontainerd.confined import open_in_root
from pydockerd.volumes.options import BIND, RDONLY, REC, REMOUNT, MountCall

_libc = ctypes.CDLL(None, use_errno=True)
# The same numbers on every architecture.
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_CLONE, _RECURSIVE, _EMPTY_PATH, _CLOEXEC = 1, 0x8000, 0x1000, os.O_CLOEXEC
_MOVE_FROM_EMPTY, _MOVE_TO_EMPTY = 0x4, 0x40
_DETACH, _NOFOLLOW = 2, 8
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_OCTAL: Final = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def mount(call: MountCall, target: Path) -> None:
    """mount(2), and once more for what takes a second call: propagation, and a bind mount that is read-only. OSError."""
    place = os.fsencode(target)
    first = call.first
    _mount(os.fsencode(call.source), place, call.fstype.encode(), first & ~RDONLY if first & BIND else first, call.data)
    try:
        if call.propagation:
            _mount(b"", place, b"", call.propagation, "")
        if first & BIND and first & ~(BIND | REC):
            _mount(b"", place, b"", (first & ~REC) | REMOUNT, "")
    except OSError:
        unmount(target)
        raise


def unmount(target: Path) -> None:
    """Take the topmost mount away, used or not (MNT_DETACH): who has it open keeps it. What is not mounted is no failure. OSError."""
    if _libc.umount2(os.fsencode(target), _DETACH | _NOFOLLOW) < 0:
        code = ctypes.get_errno()
        if code not in {errno.EINVAL, errno.ENOENT}:
            raise OSError(code, os.strerror(code), str(target))


def bind_inside(directory: Path, subpath: str, target: Path) -> None:
    """Bind what ``subpath`` is below ``directory`` to ``target``, which is made as it has to be.

    What is in the directory belongs to containers, so no symbolic link in it leads out (openat2(2), RESOLVE_IN_ROOT), and what was found is what is
    mounted: it is never looked up again. OSError.
    """
    root = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = open_in_root(root, subpath, os.O_PATH)
    finally:
        os.close(root)
    try:
        bind_descriptor(found, target)
    finally:
        os.close(found)


def bind_descriptor(found: int, target: Path) -> None:
    """Bind the file or directory of a descriptor to ``target``. OSError."""
    tree = _call(_SYS_OPEN_TREE, found, b"", _CLONE | _RECURSIVE | _EMPTY_PATH | _CLOEXEC)
    try:
        attach(tree, target)
    finally:
        os.close(tree)


def attach(tree: int, target: Path, *, make: bool = True) -> None:
    """Mount what is mounted nowhere yet at ``target``, which is made as it has to be, if need be; ``tree`` is the descriptor of its root. OSError."""
    if make:
        _make_point(target, directory=stat.S_ISDIR(os.fstat(tree).st_mode))
    place = os.open(target, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _call(_SYS_MOVE_MOUNT, tree, b"", place, b"", _MOVE_FROM_EMPTY | _MOVE_TO_EMPTY)
    finally:
        os.close(place)


def taken_from(pid: int, target: str) -> int:
    """A copy, mounted nowhere yet, of what is mounted at ``target`` for a process in another mount namespace; the descriptor of its root. OSError.

    Only who is in that namespace may copy it (open_tree(2)): so a thread goes in, which never comes back.
    """
    results: list[int | OSError] = []

    def take() -> None:
        try:
            with _opened(f"/proc/{pid}/ns/mnt") as namespace, _opened(f"/proc/{pid}/root") as root:
                if _libc.unshare(_CLONE_FS) < 0 or _libc.setns(namespace, _CLONE_NEWNS) < 0:
                    code = ctypes.get_errno()
                    raise OSError(code, os.strerror(code))
                found = open_in_root(root, target, os.O_PATH)
            try:
                results.append(_call(_SYS_OPEN_TREE, found, b"", _CLONE | _RECURSIVE | _EMPTY_PATH | _CLOEXEC))
            finally:
                os.close(found)
        except OSError as error:
            results.append(error)

    thread = threading.Thread(target=take, name="pydockerd-mounts")
    thread.start()
    thread.join()
    if isinstance(results[0], OSError):
        raise results[0]
    return results[0]


def make_writable(target: Path) -> None:
    """What was copied from a read-only mount. OSError."""
    _mount(b"", os.fsencode(target), b"", REMOUNT | BIND, "")


def clear_point(target: Path) -> None:
    """Undo `bind_inside`; what is not there is no failure. OSError."""
    unmount(target)
    with contextlib.suppress(FileNotFoundError):
        try:
            target.unlink()
        except (IsADirectoryError, PermissionError):
            target.rmdir()


def mounts_below(directory: Path) -> list[str]:
    """The mount points at or below a directory, the deepest last (proc_pid_mountinfo(5))."""
    place = os.path.realpath(directory)
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            point = _plain(line.split(" ", 5)[4])
            if point == place or point.startswith(place + "/"):
                found.append(point)
    return found


def is_mounted(directory: Path) -> bool:
    """Whether something is mounted there."""
    return os.path.realpath(directory) in mounts_below(directory)


def _make_point(target: Path, *, directory: bool) -> None:
    clear_point(target)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory:
        target.mkdir(mode=0o700)
    else:
        target.touch(mode=0o600)


def _mount(source: bytes, target: bytes, fstype: bytes, flags: int, data: str) -> None:
    if _libc.mount(source, target, fstype, ctypes.c_ulong(flags), data.encode() or None) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fsdecode(target))


def _plain(field: str) -> str:
    for code, character in _OCTAL.items():
        field = field.replace(code, character)
    return field


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _call(number: int, *arguments: object) -> int:
    result = _libc.syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
