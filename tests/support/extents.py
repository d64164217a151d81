"""Where the blocks of a file are on its disk."""

from __future__ import annotations

import fcntl
import struct
from pathlib import Path
from typing import Final

from attrs import frozen

_FIEMAP: Final = 0xC020660B
_HEAD, _EXTENT = struct.Struct("=QQIIII"), struct.Struct("=QQQ16xI12x")
_SYNC, _SHARED, _MOST = 1, 0x2000, 512


@frozen
class Extent:
    """``length`` bytes from ``start`` on are at ``place``. ``shared``: other files have them, too."""

    start: int
    place: int
    length: int
    shared: bool


def extents(path: Path) -> list[Extent]:
    """Of a file, by FIEMAP (linux/fiemap.h)."""
    request = bytearray(_HEAD.pack(0, 2**64 - 1, _SYNC, 0, _MOST, 0) + bytes(_EXTENT.size * _MOST))
    with path.open("rb") as file:
        fcntl.ioctl(file, _FIEMAP, request)
    count = _HEAD.unpack_from(request)[3]
    assert count < _MOST
    found = (_EXTENT.unpack_from(request, _HEAD.size + number * _EXTENT.size) for number in range(count))
    return [Extent(start, place, length, bool(flags & _SHARED)) for start, place, length, flags in found]
