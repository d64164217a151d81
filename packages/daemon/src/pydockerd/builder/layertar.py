"""Entries as the tar of a layer, and tars of layers made reproducible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final, cast

from attrs import define, field

from pycontainerd.diff.header import DIRECTORY, FILE, SYMLINK
from pycontainerd.diff.tarwriter import END, header, padding
from pycontainerd.diff.tarwriter import entry as new_entry
from pydockerd.builder.copying import Item
from pydockerd.builder.tree import Kind
from pydockerd.errors import BadRequest

_WHITEOUT: Final = ".wh."


def tar(items: Sequence[Item], newest_ns: int | None = None) -> Iterator[bytes]:
    """The layer. Times after ``newest_ns`` are that. BadRequest for a name that no layer can hold; what reading raises."""
    for item in items:
        node = item.node
        name = item.target.rpartition("/")[2]
        if name.startswith(_WHITEOUT):
            raise BadRequest(f"/{item.target}: a name that begins with .wh. would hide others in a layer; rename it")
        kind = {Kind.FILE: FILE, Kind.DIRECTORY: DIRECTORY, Kind.LINK: SYMLINK}.get(node.kind, node.tar_kind)
        if node.kind is Kind.OTHER and kind == FILE:  # a socket: nobody could listen on it
            continue
        yield header(
            new_entry(
                os.fsencode(item.target) + (b"/" if kind == DIRECTORY else b""),
                kind,
                mode=node.mode,
                owner=(node.uid, node.gid),
                size=node.size if kind == FILE else 0,
                mtime_ns=node.mtime_ns if newest_ns is None else min(node.mtime_ns, newest_ns),
                link=os.fsencode(node.link),
                device=node.device,
                attributes=node.attributes,
            )
        )
        if kind == FILE and item.tree is not None:
            yield from item.tree.pieces(item.source)
            yield padding(node.size)
    yield END


@define
class Reading:
    """An iterator of bytes as a file to read from, as the supervisor takes layers."""

    _pieces: Iterator[bytes]
    _held: bytearray = field(factory=bytearray, init=False)

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; none at the end."""
        while size < 0 or len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        count = len(self._held) if size < 0 else size
        found = bytes(self._held[:count])
        del self._held[:count]
        return found


def as_file(pieces: Iterator[bytes]) -> IO[bytes]:
    """For who only reads."""
    return cast("IO[bytes]", Reading(pieces))


Left = Callable[[str], bool]
"""Whether an entry of this path is left out of a layer."""
