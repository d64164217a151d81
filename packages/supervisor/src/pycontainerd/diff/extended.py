"""What stands before an entry or in front of its content: records of pax(1), long names of GNU tar, and maps of sparse files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attrs import define, field

from pycontainerd.diff.blocks import BLOCK, Blocks
from pycontainerd.diff.header import (
    FILE,
    GNU_SPARSE,
    LONG_LINK,
    LONG_NAME,
    PAX_GLOBAL,
    Entry,
    number,
)
from pycontainerd.errors import LayerError

MOST_OF_A_HEADER: Final = 1 << 20
"""Bytes of all the headers of one entry, its long names, attributes and map of holes included: what Go's archive/tar reads as well."""

_LONGEST_LENGTH = 8
_NEWLINE = 10
_XATTR = b"SCHILY.xattr."
_TIME = re.compile(rb"(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_OLD_MAP, _OLD_MORE, _OLD_LENGTH = slice(386, 482), 482, slice(483, 495)
_MORE_MAP, _MORE_MORE = slice(0, 504), 504
_SPARSE = b"GNU.sparse."
_PAIR = frozenset((b"GNU.sparse.offset", b"GNU.sparse.numbytes"))


def malformed(why: str) -> LayerError:
    """An error that says where no entry has a name yet."""
    return LayerError("(archive)", f"damaged or truncated: {why}")


@define
class Extension:
    """What was said of the next entry so far, and how many bytes that took."""

    records: dict[bytes, bytes] = field(factory=dict)
    holes: list[bytes] = field(factory=list)
    name: bytes = b""
    link: bytes = b""
    cost: int = 0

    def read(self, kind: bytes, size: int, blocks: Blocks) -> None:
        """Take in an extended header. What a global one says is passed over, as docker does."""
        self.spend(size + BLOCK)
        content = blocks.take(size)
        if kind == LONG_NAME:
            self.name = content.partition(b"\0")[0]
        elif kind == LONG_LINK:
            self.link = content.partition(b"\0")[0]
        elif kind != PAX_GLOBAL:
            for key, value in records(content):
                self.records[key] = value
                if key in _PAIR:
                    self.holes.append(value)

    def spend(self, bytes_: int) -> None:
        """LayerError when the headers of this entry are too large in all."""
        self.cost += bytes_
        if self.cost > MOST_OF_A_HEADER:
            raise malformed(f"the headers of an entry are larger than {MOST_OF_A_HEADER} bytes")

    def apply(self, entry: Entry, blocks: Blocks) -> None:
        """Correct the entry by what was said."""
        entry.name, entry.link = self.name or entry.name, self.link or entry.link
        said, is_sparse = self.records, False
        if path := said.get(b"path"):
            _set_name(entry, path)  # first of all, because errors name the entry
        for key, value in said.items():
            if correct := _CORRECTIONS.get(key):
                if value:
                    correct(entry, value)
            elif key.startswith(_XATTR):
                entry.attributes[key[len(_XATTR) :]] = value
            elif key.startswith(_SPARSE):
                is_sparse = True
        if is_sparse:
            _Sparse(self, entry, blocks).read()


def records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``LENGTH KEY=VALUE\\n``, LENGTH counting all of it; zeros end them."""
    at, whole = 0, len(content)
    while at < whole and content[at]:
        space = content.find(b" ", at, at + _LONGEST_LENGTH)
        digits = content[at : max(space, at)]
        end = at + int(digits) if digits.isdigit() else at
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > whole or content[end - 1] != _NEWLINE or not key or not equals:
            raise malformed("a malformed record in an extended header")
        yield key, value
        at = end


def nanoseconds(text: bytes, label: str) -> int:
    """A time of pax(1), seconds with any number of decimals."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise LayerError(label, "its time is not one")
    sign, seconds, decimals = found.groups()
    value = int(seconds) * 10**9 + int((decimals or b"")[:9].ljust(9, b"0"))
    return -value if sign else value


def _whole(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise malformed(f"{os.fsdecode(text[:40])!r} where a number has to be")
    return int(text)


def _path(text: bytes) -> bytes:
    if b"\0" in text:
        raise malformed("a name with a zero in it")
    return text


def _set_name(entry: Entry, value: bytes) -> None:
    entry.name = _path(value)


def _set_link(entry: Entry, value: bytes) -> None:
    entry.link = _path(value)


def _set_size(entry: Entry, value: bytes) -> None:
    size = _whole(value)
    if entry.kind in (FILE, GNU_SPARSE):
        entry.size = size


def _set_uid(entry: Entry, value: bytes) -> None:
    entry.uid = _whole(value)


def _set_gid(entry: Entry, value: bytes) -> None:
    entry.gid = _whole(value)


def _set_time(entry: Entry, value: bytes) -> None:
    entry.mtime_ns = nanoseconds(value, entry.label)


_CORRECTIONS: Mapping[bytes, Callable[[Entry, bytes], None]] = {
    b"path": lambda entry, value: None,
    b"linkpath": _set_link,
    b"size": _set_size,
    b"uid": _set_uid,
    b"gid": _set_gid,
    b"mtime": _set_time,
}


class _Sparse:
    """The three forms in which GNU tar has written a map into pax records: 0.0, 0.1 and 1.0 (GNU tar manual, "PAX Format")."""

    def __init__(self, extension: Extension, entry: Entry, blocks: Blocks) -> None:
        self._extension, self._said, self._entry, self._blocks = extension, extension.records, entry, blocks

    def read(self) -> None:
        entry, said = self._entry, self._said
        if entry.kind != FILE:
            raise malformed("a map of holes of what is no file")
        if name := said.get(b"GNU.sparse.name"):
            entry.name = _path(name)
        length = said.get(b"GNU.sparse.realsize") or said.get(b"GNU.sparse.size")
        if length is None:
            raise malformed("a sparse file without its size")
        if said.get(b"GNU.sparse.major") == b"1" and said.get(b"GNU.sparse.minor") == b"0":
            numbers = self._in_front_of_the_content()
        elif (listed := said.get(b"GNU.sparse.map")) is not None:
            numbers = [_whole(part) for part in listed.split(b",")] if listed else []
        else:
            numbers = [_whole(part) for part in self._extension.holes]
            if len(numbers) != 2 * _whole(said.get(b"GNU.sparse.numblocks", b"0")):
                raise malformed("a map of holes of another length than it says")
        set_map(entry, numbers, _whole(length))

    def _in_front_of_the_content(self) -> list[int]:
        """Decimal numbers, each on a line: how many pairs, then the pairs; zeros up to the end of a block."""
        text = b""

        def line() -> int:
            nonlocal text
            while b"\n" not in text:
                if self._entry.size < BLOCK:
                    raise malformed("a map of holes that does not end")
                self._extension.spend(BLOCK)
                text += self._blocks.block()
                self._entry.size -= BLOCK
            first, _, text = text.partition(b"\n")
            return _whole(first)

        return [line() for _ in range(2 * line())]


def read_old_map(entry: Entry, block: bytes, extension: Extension, blocks: Blocks) -> None:
    """The map of a GNU sparse entry: four pairs in the header, and as many blocks of 21 as are needed."""
    pairs, more, length = block[_OLD_MAP], block[_OLD_MORE], number(block[_OLD_LENGTH])
    while more:
        extension.spend(BLOCK)
        block = blocks.block()
        pairs, more = pairs + block[_MORE_MAP], block[_MORE_MORE]
    fields = [pairs[at : at + 12] for at in range(0, len(pairs), 12)]
    numbers: list[int] = []
    for offset, count in zip(fields[::2], fields[1::2], strict=True):
        if not offset[0] and not count[0]:
            break
        numbers += (number(offset), number(count))
    entry.kind = FILE
    set_map(entry, numbers, length)


def set_map(entry: Entry, numbers: list[int], length: int) -> None:
    """Give the entry its map: segments in order that do not overlap, within the file, as long as the content together."""
    if len(numbers) % 2 or length < 0:
        raise malformed("a map of holes that is not one")
    segments = tuple((offset, count) for offset, count in zip(numbers[::2], numbers[1::2], strict=True) if count)
    end = total = 0
    for offset, count in segments:
        if offset < end or count < 0:
            raise malformed("a map of holes that is not in order")
        end, total = offset + count, total + count
    if end > length or total != entry.size:
        raise malformed("a map of holes that does not fit its file")
    entry.segments, entry.length = segments, length
