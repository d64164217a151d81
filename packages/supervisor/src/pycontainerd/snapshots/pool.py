"""Directories that can be copied in a moment, whatever is in them: subvolumes of a btrfs file system in a sparse file.

The file system is made when the first directory is, and mounted while a supervisor is open. A container's overlay has a mount of its own of its
layers, so it does not notice when the supervisor goes and comes back: mounting the file again finds the same loop device, and the same
file system. Deleting gives the blocks back to the file system that the file is on.

What is written to it needs room there. If that runs out, btrfs is told that its disk is broken and refuses to write to any of the pool's
directories, until it is mounted anew: a full disk ends all forkable containers at once, where it would otherwise be an error to each.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import secrets
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from pycontainerd.errors import Unsupported

_logger = logging.getLogger(__name__)
_libc = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2
_LEAST_SIZE = 1 << 30
_DRAFT = "draft-"
_OPTIONS = "loop,noatime,discard=async"


class Pool:
    """Below ``root``, which need not exist. Its methods block; from any thread."""

    def __init__(self, root: Path) -> None:
        self._root, self._image, self.path = root, root / "image", root / "fs"
        self._lock = threading.Lock()
        for draft in root.glob(f"{_DRAFT}*"):
            draft.unlink()
        if self._image.exists():
            try:
                self._mount()
            except Unsupported as error:  # which must not keep all other containers from being there
                _logger.error("forkable containers have no files: %s", error)

    def make(self, name: str) -> Path:
        """A new, empty directory. Unsupported where the machine cannot have such file systems; FileExistsError."""
        with self._lock:
            if not self._image.exists():
                self._create()
            self._mount()
        with _opened(self.path) as parent:
            fcntl.ioctl(parent, _SUBVOLUME_CREATE, _named(name))
        return self.path / name

    def flush(self) -> None:
        """Write out what has not reached the disk: ``copy`` would do so for its source."""
        with _opened(self.path) as directory:
            if _libc.syncfs(directory) < 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error), str(self.path))

    def copy(self, source: str, name: str) -> Path:
        """A new directory ``name`` with all that ``source`` has, to which nothing may be written meanwhile."""
        with _opened(self.path) as parent, _opened(self.path / source) as original:
            fcntl.ioctl(parent, _SNAPSHOT_CREATE, _named_copy(original, name))
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether there is such a directory."""
        return (self.path / name).exists()

    def remove(self, name: str) -> None:
        """Delete a directory with all that is in it, at once: btrfs frees the blocks later. FileNotFoundError."""
        with _opened(self.path) as parent:
            fcntl.ioctl(parent, _SUBVOLUME_DESTROY, _named(name))

    def names(self) -> list[str]:
        """All directories."""
        return os.listdir(self.path) if self.path.is_dir() else []

    def close(self) -> None:
        """Unmount it; what uses it goes on doing so."""
        if self._mounted():
            _libc.umount2(os.fsencode(self.path), _MNT_DETACH)

    def _create(self) -> None:
        """The file appears under its name when there is a file system in it."""
        make = shutil.which("mkfs.btrfs", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if make is None:
            raise Unsupported("forkable: needs mkfs.btrfs: install btrfs-progs")
        self._root.mkdir(mode=0o700, exist_ok=True)
        draft = (
            self._root / f"{_DRAFT}{secrets.token_hex(8)}"
        )  # who was killed meanwhile may have left a mkfs that still writes
        space = os.statvfs(self._root)
        with draft.open("wb") as file:
            file.truncate(max(_LEAST_SIZE, space.f_frsize * space.f_blocks))
        _run(make, "-q", "-f", "--nodiscard", "-m", "single", "-d", "single", str(draft))
        draft.rename(self._image)

    def _mount(self) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        if self._mounted():
            return
        try:
            _run("mount", "-t", "btrfs", "-o", _OPTIONS, str(self._image), str(self.path))
        except Unsupported:
            if not self._mounted():  # by the mount of somebody who was killed meanwhile
                raise

    def _mounted(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return self.path.stat().st_dev != self._root.stat().st_dev
        return False


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unsupported(f"forkable: {' '.join(command)}: {done.stderr.strip() or done.returncode}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# linux/btrfs.h: struct btrfs_ioctl_vol_args and btrfs_ioctl_vol_args_v2, both of a page.
_ARGUMENT = 4096


def _request(number: int) -> int:
    """_IOW(BTRFS_IOCTL_MAGIC, number, a page)."""
    return 1 << 30 | _ARGUMENT << 16 | 0x94 << 8 | number


_SUBVOLUME_CREATE, _SUBVOLUME_DESTROY, _SNAPSHOT_CREATE = _request(14), _request(15), _request(23)


def _named(name: str) -> bytearray:
    return bytearray(struct.pack("=q4088s", 0, os.fsencode(name)))


def _named_copy(original: int, name: str) -> bytearray:
    return bytearray(struct.pack("=qQQ32s4040s", original, 0, 0, b"", os.fsencode(name)))
