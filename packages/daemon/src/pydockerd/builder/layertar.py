"""Entries as the tar of a layer, and tars of layers made reproducible."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final, cast

from attrs import define, field, frozen

from pycontainerd.diff.header import BLOCK_DEVICE, CHARACTER, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK, Entry
from pycontainerd.diff.tar import StrictArchive
from pycontainerd.diff.tarwriter import END, header, padding
from pycontainerd.diff.tarwriter import entry as new_entry
from pydockerd.builder.copying import Item
from pydockerd.builder.tree import Kind, Node, parts_of
from pydockerd.errors import BadRequest

_WHITEOUT: Final = ".wh."
_XATTR: Final = "SCHILY.xattr."
_PIECE: Final = 1 << 20
_NANO: Final = 10**9
_KINDS: Final = {
    tarfile.LNKTYPE: HARD_LINK,
    tarfile.SYMTYPE: SYMLINK,
    tarfile.CHRTYPE: CHARACTER,
    tarfile.BLKTYPE: BLOCK_DEVICE,
    tarfile.DIRTYPE: DIRECTORY,
    tarfile.FIFOTYPE: FIFO,
}


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


@frozen
class Traces:
    """What mounting leaves in a layer, and no command has done: ``made`` are paths that were made to mount on, ``touched`` the directories that these were
    made in, as they are without that."""

    made: Sequence[str] = ()
    touched: Mapping[str, Node] = field(factory=dict)


def left_out(layer: IO[bytes], traces: Traces) -> frozenset[str]:
    """The entries of the layer that are nothing but such traces."""
    made = frozenset(traces.made)
    needed, same = set[str](), set[str]()
    for entry in _entries(layer):
        path = _path(entry)
        node = traces.touched.get(path)
        if (
            node is not None
            and entry.isdir()
            and (entry.mode & 0o7777, entry.uid, entry.gid)
            == (
                node.mode,
                node.uid,
                node.gid,
            )
        ):
            same.add(path)
        elif path not in made:
            needed.update(path[: len(path) - cut] for cut in _cuts(path))
    return frozenset((made | same) - needed)


def rewritten(layer: IO[bytes], left: frozenset[str], newest_ns: int | None) -> Iterator[bytes]:
    """The layer ``layer`` (a plain tar of this program's making) without the entries ``left``, and with no time after ``newest_ns``."""
    for entry, content in _with_content(layer):
        if _path(entry) in left:
            continue
        yield header(_entry(entry, newest_ns))
        if content is not None:
            while piece := content.read(_PIECE):
                yield piece
            yield padding(entry.size)
    yield END


def _entries(layer: IO[bytes]) -> Iterator[tarfile.TarInfo]:
    for entry, _ in _with_content(layer):
        yield entry


def _with_content(layer: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    layer.seek(0)
    archive = StrictArchive.open(fileobj=layer, mode="r:", encoding="utf-8", errors="surrogateescape")
    for entry in iter(archive.next, None):
        archive.members = []  # type: ignore[attr-defined]
        yield entry, archive.extractfile(entry) if entry.isreg() else None


def _cuts(path: str) -> Iterator[int]:
    """How much to cut off a path for each of those above it, and itself."""
    yield 0
    for at, character in enumerate(path):
        if character == "/":
            yield len(path) - at


def _path(entry: tarfile.TarInfo) -> str:
    return "/".join(parts_of(entry.name))


def _entry(entry: tarfile.TarInfo, newest_ns: int | None) -> Entry:
    said: Any = entry.pax_headers
    mtime_ns = _nanoseconds(str(said["mtime"])) if "mtime" in said else int(entry.mtime) * _NANO
    is_directory = entry.isdir()
    name = os.fsencode(entry.name)
    return new_entry(
        name + b"/" if is_directory and not name.endswith(b"/") else name,
        _KINDS.get(entry.type, FILE),
        mode=entry.mode & 0o7777,
        owner=(entry.uid, entry.gid),
        size=entry.size if entry.isreg() else 0,
        mtime_ns=mtime_ns if newest_ns is None else min(mtime_ns, newest_ns),
        link=os.fsencode(entry.linkname) if entry.issym() or entry.islnk() else b"",
        device=(entry.devmajor, entry.devminor),
        attributes={
            os.fsencode(key.removeprefix(_XATTR)): os.fsencode(str(value))
            for key, value in said.items()
            if key.startswith(_XATTR)
        },
    )


def _nanoseconds(text: str) -> int:
    seconds, _, rest = text.partition(".")
    whole = abs(int(seconds or 0)) * _NANO + int(rest[:9].ljust(9, "0") or 0)
    return -whole if text.startswith("-") else whole
