"""Room that is kept for the day when the disk is full, so that something can be deleted then: also a deletion has to be written down."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

SIZE: Final = 1 << 20
"""Bytes. The removal of an image or a container takes some pages of 4 KiB; an opened database 32 KiB for its index besides."""


class Reserve:
    """A file of so many bytes that holds nothing. All methods block, and none of them fails: having no reserve is no failure."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    def keep(self) -> None:
        """Have it, if there is room."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return
        try:
            if os.fstat(descriptor).st_size != self._size:
                os.posix_fallocate(descriptor, 0, self._size)
        except OSError:
            self.spend()  # half of one would leave no room for the other half
        finally:
            os.close(descriptor)

    def spend(self) -> bool:
        """Give it back to the disk; False when there is none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def spend_if_full(self) -> None:
        """The same, where there is not even room for another one."""
        with contextlib.suppress(OSError):
            found = os.statvfs(self._path.parent)
            if found.f_bavail * found.f_frsize < self._size:
                self.spend()
