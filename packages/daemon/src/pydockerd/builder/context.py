"""The context of a build: the tar that a client sends, kept as it came and read where it lies.

Nothing of it is unpacked. Its entries are an index into the file, so that names which lead out of it, links to this machine's files and devices are
only text, and 20,000 files cost as much as reading their headers. What a RUN mounts of it is written out by ``materialized``.
"""

from __future__ import annotations

import bz2
import contextlib
import lzma
import os
import tarfile
from collections.abc import Iterator
from typing import IO, Any, Final, cast

from attrs import define, evolve, field

from pycontainerd.diff.compression import DAMAGED, decompressed
from pycontainerd.diff.header import BLOCK_DEVICE, CHARACTER, FIFO, FILE
from pycontainerd.diff.tar import StrictArchive
from pydockerd.builder.ignore import Ignore
from pydockerd.builder.tree import Kind, Node, join, parts_of
from pydockerd.errors import BadRequest

_PIECE: Final = 1 << 20
_XZ, _BZ2 = b"\xfd7zXZ\0", b"BZh"
_DAMAGED: Final = (*DAMAGED, lzma.LZMAError, OSError, EOFError)
_OTHERS: Final = {tarfile.CHRTYPE: CHARACTER, tarfile.BLKTYPE: BLOCK_DEVICE, tarfile.FIFOTYPE: FIFO}
MOST_ENTRIES: Final = 2_000_000
"""Of one context: an index takes some hundred bytes of memory for each."""


def plain_tar(spool: IO[bytes], plain: IO[bytes]) -> IO[bytes]:
    """``spool`` if it is not compressed, or else ``plain`` with what gzip, bzip2, xz or zstd have made of it. BadRequest for damage."""
    stream = _stream(spool)
    if stream is spool:
        return spool
    try:
        while piece := stream.read(_PIECE):
            plain.write(piece)
    except _DAMAGED as error:
        raise BadRequest(f"build context: damaged or truncated: {error}") from None
    plain.seek(0)
    return plain


def is_compressed(beginning: bytes) -> bool:
    """Whether these first bytes of a file are those of one of the compressions."""
    return beginning.startswith((_XZ, _BZ2, b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


def _stream(spool: IO[bytes]) -> IO[bytes]:
    spool.seek(0)
    magic = spool.read(6)
    spool.seek(0)
    if magic == _XZ:
        return cast("IO[bytes]", lzma.LZMAFile(spool))
    if magic[:3] == _BZ2:
        return cast("IO[bytes]", bz2.BZ2File(spool))
    return decompressed(spool)


@define
class TarTree:
    """A Tree (see there) over a plain tar. ``owned``: entries keep their owners, as those of an archive that ADD extracts do; a context's are root's."""

    _file: IO[bytes]
    _nodes: dict[str, Node] = field(factory=dict)
    _places: dict[str, int] = field(factory=dict)
    _children: dict[str, set[str]] = field(factory=dict)

    @classmethod
    def read(cls, file: IO[bytes], *, owned: bool = False, what: str = "build context") -> TarTree:
        """BadRequest for what is no tar, or one whose names lead out of it. It reads headers only."""
        tree = cls(file)
        tree._nodes[""] = Node(kind=Kind.DIRECTORY, mode=0o755)
        try:
            file.seek(0)
            archive = StrictArchive.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape")
            for number, entry in enumerate(iter(archive.next, None)):
                if number >= MOST_ENTRIES:
                    raise BadRequest(f"{what}: more than {MOST_ENTRIES} entries")
                tree._add(entry, owned, what)
                archive.members = []  # type: ignore[attr-defined]
        except tarfile.TarError as error:
            raise BadRequest(f"{what}: not a tar archive, or damaged or truncated: {error}") from None
        return tree

    def _add(self, entry: tarfile.TarInfo, owned: bool, what: str) -> None:
        parts = parts_of(entry.name)
        if ".." in parts:
            raise BadRequest(f"{what}: {entry.name!r} would leave it")
        path = "/".join(parts)
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            if above not in self._nodes:
                self._put(above, Node(kind=Kind.DIRECTORY, mode=0o755))
            elif self._nodes[above].kind is not Kind.DIRECTORY:
                raise BadRequest(f"{what}: {entry.name!r} is inside of {above!r}, which is no directory")
        if entry.islnk():
            self._link(path, entry, what)
            return
        node = _node(entry, owned)
        if path and node.kind is not Kind.DIRECTORY:
            self._forget(path)
        if path in self._nodes and node.kind is not self._nodes[path].kind:
            self._forget(path)
        self._put(path, node)
        self._places[path] = entry.offset_data
        if entry.sparse is not None:
            raise BadRequest(f"{what}: {entry.name!r} is a sparse file, which is not supported in here")

    def _link(self, path: str, entry: tarfile.TarInfo, what: str) -> None:
        """A further name of a file is a file of its own in an image, unless they are copied together; that is not told apart here."""
        target = "/".join(parts_of(entry.linkname))
        found = self._nodes.get(target)
        if found is None or found.kind is Kind.DIRECTORY:
            raise BadRequest(f"{what}: {entry.name!r} is a hard link to {entry.linkname!r}, which is not there")
        self._forget(path)
        self._put(path, found)
        self._places[path] = self._places.get(target, 0)

    def _put(self, path: str, node: Node) -> None:
        self._nodes[path] = node
        if path:
            parent, _, name = path.rpartition("/")
            self._children.setdefault(parent, set()).add(name)

    def _forget(self, path: str) -> None:
        """A later entry of the same name replaces an earlier one, with all in it."""
        for name in self._children.pop(path, ()):
            self._forget(join(path, name))
        self._nodes.pop(path, None)
        parent, _, name = path.rpartition("/")
        self._children.get(parent, set()).discard(name)

    def without(self, ignore: Ignore) -> TarTree:
        """The tree without what is excluded. A directory stays if something in it does."""
        if not ignore.patterns:
            return self
        made = TarTree(self._file, {"": self._nodes[""]}, self._places)
        for path in sorted(self._nodes):
            if path and not ignore.excludes(path):
                parts = path.split("/")
                for count in range(1, len(parts)):
                    above = "/".join(parts[:count])
                    if above not in made._nodes:
                        made._put(above, self._nodes[above])
                made._put(path, self._nodes[path])
        return made

    def node(self, path: str) -> Node | None:
        """See Tree."""
        return self._nodes.get(path)

    def names(self, path: str) -> list[str]:
        """See Tree."""
        return sorted(self._children.get(path, ()))

    def pieces(self, path: str) -> Iterator[bytes]:
        """See Tree. From several threads: no position is shared."""
        node, offset = self._nodes[path], self._places.get(path, 0)
        descriptor, left = self._file.fileno(), node.size
        while left:
            piece = os.pread(descriptor, min(left, _PIECE), offset)
            if not piece:
                raise BadRequest(f"build context: {path!r} is cut short")
            yield piece
            offset, left = offset + len(piece), left - len(piece)

    def content(self, path: str, most: int) -> bytes | None:
        """A whole small file, None if there is none of that name. BadRequest for a larger one."""
        node = self._nodes.get(path)
        if node is None or node.kind is not Kind.FILE:
            return None
        if node.size > most:
            raise BadRequest(f"build context: {path!r} has more than {most} bytes")
        return b"".join(self.pieces(path))

    def close(self) -> None:
        """Its file goes with it, if that has no name."""
        with contextlib.suppress(OSError):
            self._file.close()


def _node(entry: tarfile.TarInfo, owned: bool) -> Node:
    said: Any = entry.pax_headers
    mtime = float(entry.mtime)
    made = Node(
        kind=Kind.DIRECTORY
        if entry.isdir()
        else Kind.LINK
        if entry.issym()
        else Kind.FILE
        if entry.isreg()
        else Kind.OTHER,
        mode=entry.mode & 0o7777,
        uid=entry.uid if owned else 0,
        gid=entry.gid if owned else 0,
        size=entry.size if entry.isreg() else 0,
        mtime_ns=round(mtime * 10**9) if abs(mtime) < 1 << 40 else 0,
        link=entry.linkname if entry.issym() else "",
        device=(entry.devmajor, entry.devminor),
        tar_kind=_OTHERS.get(entry.type, FILE),
    )
    attributes = {
        name.removeprefix("SCHILY.xattr.").encode("utf-8", "surrogateescape"): str(value).encode(
            "utf-8", "surrogateescape"
        )
        for name, value in said.items()
        if name.startswith("SCHILY.xattr.") and owned
    }
    return evolve(made, attributes=attributes) if attributes else made
