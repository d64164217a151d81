"""One block of a tar as an entry: the forms of v7, ustar, GNU and star (tar(5)), each field as Go's archive/tar reads it."""

from __future__ import annotations

import os
import struct
import zlib
from typing import Final

from attrs import define, field

from pycontainerd.errors import LayerError

FILE, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
PAX, PAX_GLOBAL, PAX_SOLARIS, LONG_NAME, LONG_LINK, GNU_SPARSE = b"x", b"g", b"X", b"L", b"K", b"S"
EXTENDED: Final = frozenset((PAX, PAX_GLOBAL, PAX_SOLARIS, LONG_NAME, LONG_LINK))
"""Kinds that say something about the entry that follows."""

KIND: Final = slice(156, 157)
"""Where the kind is in a header."""

_HEADER_ONLY = frozenset((HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))
_OLD_FILE, _CONTIGUOUS = b"\0", b"7"
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s6s66x8s8s155s8x4s")
_ADLER_MODULUS = 65521
_NANO = 10**9


@define(kw_only=True)
class Entry:
    """A file of an archive. ``size`` counts the bytes that follow in the archive; of a sparse file ``length`` is the real size, and
    ``segments`` are the (offset, bytes) that are not holes."""

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    major: int
    minor: int
    attributes: dict[bytes, bytes] = field(factory=dict)
    length: int = -1
    segments: tuple[tuple[int, int], ...] | None = None

    @property
    def label(self) -> str:
        """The name, for errors."""
        return os.fsdecode(self.name)


def parse(block: bytes, owners: dict[bytes, tuple[int, int, int]]) -> Entry:
    """An entry from its header. LayerError for what is none. ``owners`` remembers the modes and owners seen, which are few."""
    name, mode, uid, gid, size, mtime, check, kind, link, magic, major, minor, prefix, star = _FIELDS.unpack(block)
    if not _is_header(block, check):
        raise _damaged()
    owner = owners.get(block[100:124])
    if owner is None:
        owner = (number(mode) & 0o7777, number(uid), number(gid))
        if len(owners) < 1024:  # whoever makes more of them pays for it himself
            owners[block[100:124]] = owner
    path = _text(name)
    if prefix[0] and magic == b"ustar\0":
        path = _text(prefix[:131] if star == b"tar\0" else prefix) + b"/" + path
    if kind in (_OLD_FILE, _CONTIGUOUS):
        kind = DIRECTORY if kind == _OLD_FILE and path.endswith(b"/") else FILE
    is_device = kind in (CHARACTER, BLOCK_DEVICE)
    return Entry(
        name=path,
        kind=kind,
        mode=owner[0],
        uid=owner[1],
        gid=owner[2],
        size=0 if kind in _HEADER_ONLY else _size(size),
        mtime_ns=number(mtime) * _NANO,
        link=_text(link) if link[0] else b"",
        major=number(major) if is_device else 0,
        minor=number(minor) if is_device else 0,
    )


def size_of(block: bytes) -> int:
    """The size of an extended header's content, which is all that is asked of it. LayerError for what is no header."""
    if not _is_header(block, block[148:156]):
        raise _damaged()
    return _size(block[124:136])


def number(field: bytes) -> int:
    """A numeric field: octal digits between blanks, or GNU's base 256 for what is too large or negative."""
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit():
        if field[0] & 0x80:
            value = int.from_bytes(field, "big", signed=True)
            return value if field[0] & 0x40 else value + (1 << (8 * len(field) - 1))
        digits = field.partition(b"\0")[0].strip(b" ")
        if not digits:
            return 0
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise LayerError("(archive)", f"damaged or truncated: a header with {digits!r} where a number has to be")


def _damaged() -> LayerError:
    return LayerError("(archive)", "damaged or truncated: no header where one has to be")


def _size(field: bytes) -> int:
    size = number(field)
    if size < 0:
        raise LayerError("(archive)", f"damaged or truncated: an entry of {size} bytes")
    return size


def _text(field: bytes) -> bytes:
    end = field.find(0)
    return field if end < 0 else field[:end]


def _is_header(block: bytes, check: bytes) -> bool:
    """Whether the sum of all bytes, with blanks for the sum itself, is what the header says.

    The low half of Adler-32 is 1 plus that sum, and takes a tenth of the time that Python takes to add 512 numbers.
    """
    surplus = 8 * 32 - sum(check)
    if check[:6] == b"%06o" % ((zlib.adler32(block) & 0xFFFF) - 1 + surplus):  # as nearly all write it
        return True
    try:
        told = number(check)
    except LayerError:
        return False
    if ((zlib.adler32(block) & 0xFFFF) - 1 + surplus - told) % _ADLER_MODULUS == 0:
        return True
    # Some old programs have added signed bytes.
    return sum(block) + surplus - 256 * sum(byte > 127 for byte in block) == told
