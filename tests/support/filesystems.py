"""File systems in a file, and one that stands still."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FREEZE: Final = 0xC0045877
"""FIFREEZE of linux/fs.h; FITHAW is the next number."""


@contextmanager
def file_system(kind: str, home: Path, size: int = 512 << 20) -> Iterator[Path]:
    """A mounted one of this kind (ext4, xfs, btrfs) in ``home``, as long as the context lasts."""
    image, point = home / f"{kind}.image", home / kind
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


@contextmanager
def frozen(point: Path) -> Iterator[None]:
    """Whoever writes to the file system waits until the context is left."""
    fd = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, _FREEZE, 0)
        try:
            yield
        finally:
            fcntl.ioctl(fd, _FREEZE + 1, 0)
    finally:
        os.close(fd)
