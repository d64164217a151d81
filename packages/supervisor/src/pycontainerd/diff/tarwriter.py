"""Entries as the blocks of a tar: ustar, with a record of pax(1) for all that has no room there."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from attrs import define, field

from pycontainerd.diff.blocks import BLOCK
from pycontainerd.diff.header import BLOCK_DEVICE, CHARACTER, FILE, PAX, Entry

END = bytes(2 * BLOCK)
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_NANO = 10**9
_SHORT, _LONG = 0o7777777, 0o77777777777


def header(entry: Entry) -> bytes:
    """All that stands before the content. A sparse file's content is that of its segments, and its map is written here, too."""
    said = _Records()
    front = b""
    size = entry.size
    if entry.segments is not None:
        front = _map((*entry.segments, (entry.length, 0)))
        size += len(front)
        said.add(b"GNU.sparse.major", b"1")
        said.add(b"GNU.sparse.minor", b"0")
        said.add(b"GNU.sparse.name", entry.name)
        said.add(b"GNU.sparse.realsize", b"%d" % entry.length)
    for key, value in sorted(entry.attributes.items()):
        said.add(b"SCHILY.xattr." + key, value)
    block = _block(entry, size, said)
    return said.blocks(entry) + block + front


def padding(size: int) -> bytes:
    """What follows a content."""
    return bytes(-size % BLOCK)


@define
class _Records:
    _content: bytearray = field(factory=bytearray)

    def add(self, key: bytes, value: bytes) -> None:
        """``LENGTH KEY=VALUE\\n``, where LENGTH counts itself."""
        rest = b" %b=%b\n" % (key, value)
        length = len(rest) + len(str(len(rest)))
        length = len(rest) + len(str(length))
        self._content += b"%d%b" % (length, rest)

    def blocks(self, entry: Entry) -> bytes:
        """The extended header, nothing if nothing was said."""
        if not self._content:
            return b""
        size = len(self._content)
        block = _filled(b"pax", 0o644, (0, 0), size, 0, PAX, b"", entry)
        return block + bytes(self._content) + padding(size)


def _block(entry: Entry, size: int, said: _Records) -> bytes:
    def fitting(key: bytes, value: int, most: int) -> int:
        if 0 <= value <= most:
            return value
        said.add(key, b"%d" % value)
        return 0

    seconds, rest = divmod(entry.mtime_ns, _NANO)
    if rest or not 0 <= seconds <= _LONG:
        said.add(b"mtime", _decimal(entry.mtime_ns))
    if len(entry.name) > 100 and entry.segments is None:
        said.add(b"path", entry.name)
    if len(entry.link) > 100:
        said.add(b"linkpath", entry.link)
    owner = (fitting(b"uid", entry.uid, _SHORT), fitting(b"gid", entry.gid, _SHORT))
    stored = fitting(b"size", size, _LONG)
    time = seconds if 0 <= seconds <= _LONG else 0
    return _filled(entry.name[:100], entry.mode, owner, stored, time, entry.kind, entry.link[:100], entry)


def _filled(
    name: bytes, mode: int, owner: tuple[int, int], size: int, time: int, kind: bytes, link: bytes, entry: Entry
) -> bytes:
    is_device = kind in (CHARACTER, BLOCK_DEVICE)
    block = _FIELDS.pack(
        name,
        b"%07o" % mode,
        b"%07o" % owner[0],
        b"%07o" % owner[1],
        b"%011o" % size,
        b"%011o" % time,
        b" " * 8,
        kind,
        link,
        b"ustar\x0000",
        b"",
        b"",
        b"%07o" % (entry.major if is_device else 0),
        b"%07o" % (entry.minor if is_device else 0),
        b"",
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _decimal(nanoseconds: int) -> bytes:
    sign, value = (b"-", -nanoseconds) if nanoseconds < 0 else (b"", nanoseconds)
    return (b"%b%d.%09d" % (sign, value // _NANO, value % _NANO)).rstrip(b"0").rstrip(b".")


def _map(segments: Iterable[tuple[int, int]]) -> bytes:
    """GNU tar's form 1.0: numbers on a line each, how many pairs first, padded to a block. GNU tar takes the size from the last pair."""
    pairs = [number for segment in segments for number in segment]
    text = b"".join(b"%d\n" % number for number in (len(pairs) // 2, *pairs))
    return text + padding(len(text))


def entry(
    name: bytes,
    kind: bytes = FILE,
    *,
    mode: int = 0o644,
    owner: tuple[int, int] = (0, 0),
    size: int = 0,
    mtime_ns: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
    attributes: Mapping[bytes, bytes] | None = None,
) -> Entry:
    """An Entry of which only the name has to be said."""
    return Entry(
        name=name,
        kind=kind,
        mode=mode,
        uid=owner[0],
        gid=owner[1],
        size=size,
        mtime_ns=mtime_ns,
        link=link,
        major=device[0],
        minor=device[1],
        attributes=dict(attributes or {}),
    )
