"""Create a layer (image-spec, layer.md): the tar of a difference, such that ``apply`` of it on the lower gives the upper.

What a tar cannot hold is left out (sockets) or refused (names that begin with ``.wh.``, which would hide others). Of files of several names
the first is the file and the others are hard links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final

from attrs import define, evolve, field, frozen

from pycontainerd.diff import attributes
from pycontainerd.diff.blocks import PIECE
from pycontainerd.diff.change import Difference
from pycontainerd.diff.compare import Found, walk
from pycontainerd.diff.header import (
    BLOCK_DEVICE,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
)
from pycontainerd.diff.owners import AS_THEY_ARE, Owners
from pycontainerd.diff.tarwriter import END, header, padding
from pycontainerd.diff.tarwriter import entry as new_entry
from pycontainerd.diff.whiteouts import OPAQUE, PREFIX
from pycontainerd.errors import LayerError

_KINDS: Final = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFIFO: FIFO,
}
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR)


def create(difference: Difference) -> Iterator[bytes]:
    """The tar, in pieces of at most 1 MiB and a header.

    The upper side may be in use: a file that shrinks while it is read ends in zeros, one that goes is left out; pause what writes to it
    to get one moment of it. LayerError names what cannot be in a layer; OSError.
    """
    yield from _Layer(difference).run()
    yield END


def archive_of(fd: int, name: bytes, owners: Owners = AS_THEY_ARE) -> Iterator[bytes]:
    """The tar of one file (``fd`` may be of O_PATH), or of a directory with all in it, called ``name`` in the archive. OSError.

    It is no layer: names that begin with ``.wh.`` are names. ``owners``: told as they are seen in that user namespace.
    """
    status = os.fstat(fd)
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind == DIRECTORY:
        files = Difference(upper=f"/proc/self/fd/{fd}/.", marked=False)
        yield from _Layer(files, name.rstrip(b"/"), owners).run()
    elif kind == FILE:
        opened = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        yield from _opened(opened, name, owners=owners)
    elif kind is not None:
        entry = _described(name, status, kind, {}, owners)
        entry.link = os.readlink(b"", dir_fd=fd) if kind == SYMLINK else b""
        yield header(entry)
    yield END


@define
class _Linked:
    """A file of several names: the first of them, and whether it has been told."""

    path: bytes
    told: bool


@frozen
class _Layer:
    _difference: Difference
    _archive: bytes | None = None
    """What the directory is called in an archive that is no layer."""
    _owners: Owners = AS_THEY_ARE
    _links: dict[tuple[int, int], _Linked] = field(factory=dict)

    def run(self) -> Iterator[bytes]:
        for found in walk(self._difference):
            name = found.path.rpartition(b"/")[2]
            if self._archive is not None:
                found = evolve(found, path=b"/".join(part for part in (self._archive, found.path) if part))
            elif name.startswith(PREFIX) and not found.same:
                raise LayerError(os.fsdecode(found.path), "a name that begins with .wh. would hide others; rename it")
            if found.status is None:
                yield header(new_entry(_beside(found.path, PREFIX + name)))
            elif stat.S_ISREG(found.status.st_mode) and found.status.st_nlink > 1:
                yield from self._several_names(found, found.status)
            else:
                yield from self._alone(found, found.status)

    def _alone(self, found: Found, status: os.stat_result) -> Iterator[bytes]:
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind == FILE:
            yield from _file(found, self._owners)
        elif kind is not None:
            yield from _other(found, status, kind, self._owners)
        if found.covers:
            yield header(new_entry(found.path + b"/" + OPAQUE))

    def _several_names(self, found: Found, status: os.stat_result) -> Iterator[bytes]:
        """Once one of its names is told, all are, so that they stay one file: an unchanged one before it, those after it as links."""
        first = self._links.get((status.st_dev, status.st_ino))
        if first is None:
            self._links[status.st_dev, status.st_ino] = _Linked(found.path, not found.same)
            if not found.same:
                yield from _file(found, self._owners)
            return
        if found.same and not first.told:
            return
        if not first.told:
            first.told = True
            yield from self._catch_up(first.path, status)
        yield header(_linked(found, status, first.path, self._owners))

    def _catch_up(self, path: bytes, status: os.stat_result) -> Iterator[bytes]:
        """Tell of an unchanged file that was passed, and is wanted now. The directories above it are unchanged, too, or were told."""
        yield from _content(self._difference.upper, path, status)


def _content(root: str, path: bytes, status: os.stat_result) -> Iterator[bytes]:
    parent = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *above, name = path.split(b"/")
        for part in above:
            following = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            os.close(parent)
            parent = following
        yield from _file_in(parent, name, path, status)
    finally:
        os.close(parent)


def _beside(path: bytes, name: bytes) -> bytes:
    above, slash, _ = path.rpartition(b"/")
    return above + slash + name


def _file(found: Found, owners: Owners) -> Iterator[bytes]:
    assert found.status is not None
    yield from _file_in(found.parent, found.name, found.path, found.status, owners)


def _file_in(
    parent: int, name: bytes, path: bytes, expected: os.stat_result, owners: Owners = AS_THEY_ARE
) -> Iterator[bytes]:
    try:
        fd = os.open(name, _READ, dir_fd=parent)
    except OSError as error:
        if error.errno in _GONE:
            return
        raise
    yield from _opened(fd, path, expected, owners=owners)


def _opened(
    fd: int, path: bytes, expected: os.stat_result | None = None, *, owners: Owners = AS_THEY_ARE
) -> Iterator[bytes]:
    """The entry of an open file, which is closed in the end."""
    try:
        status = os.fstat(fd)
        if expected is not None and (status.st_dev, status.st_ino) != (expected.st_dev, expected.st_ino):
            return  # another one has taken its place
        entry = _described(path, status, FILE, attributes.read(fd, path), owners)
        entry.size = status.st_size
        if entry.size and _has_holes(fd, entry.size):
            _find_holes(fd, entry)
        yield header(entry)
        for offset, count in entry.segments if entry.segments is not None else ((0, entry.size),):
            yield from _bytes(fd, offset, count)
        yield padding(entry.size)
    finally:
        os.close(fd)


def _bytes(fd: int, offset: int, count: int) -> Iterator[bytes]:
    while count:
        data = os.pread(fd, min(count, PIECE), offset)
        if not data:  # it has become shorter, but its size is told already
            data = bytes(min(count, PIECE))
        yield data
        offset, count = offset + len(data), count - len(data)


def _has_holes(fd: int, size: int) -> bool:
    try:
        return os.lseek(fd, 0, os.SEEK_HOLE) < size
    except OSError as error:
        if error.errno == errno.ENXIO:  # it has become empty in between
            return True
        raise


def _find_holes(fd: int, entry: Entry) -> None:
    """The segments that are not holes. Where the file system knows of none it says that there are none."""
    segments, at, length = [], 0, entry.size
    while at < length:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
            at = min(os.lseek(fd, begin, os.SEEK_HOLE), length)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end; or the file has become shorter
                break
            raise
        if at > begin:
            segments.append((begin, at - begin))
    if segments != [(0, length)]:
        entry.segments, entry.length = tuple(segments), length
        entry.size = sum(count for _, count in segments)


def _other(found: Found, status: os.stat_result, kind: bytes, owners: Owners) -> Iterator[bytes]:
    path = f"/proc/self/fd/{found.parent}/{os.fsdecode(found.name)}"
    try:
        entry = _described(found.path, status, kind, attributes.read(path, found.path), owners)
        if kind == SYMLINK:
            entry.link = os.readlink(found.name, dir_fd=found.parent)
    except OSError as error:
        if error.errno in (*_GONE, errno.EINVAL):
            return
        raise
    if kind == DIRECTORY:
        entry.name = found.path + b"/" if found.path else b"./"
    yield header(entry)


def _linked(found: Found, status: os.stat_result, target: bytes, owners: Owners) -> Entry:
    entry = _described(found.path, status, HARD_LINK, {}, owners)
    entry.link = target
    return entry


def _described(path: bytes, status: os.stat_result, kind: bytes, found: dict[bytes, bytes], owners: Owners) -> Entry:
    return new_entry(
        path,
        kind,
        mode=stat.S_IMODE(status.st_mode),
        owner=owners.inside(status.st_uid, status.st_gid),
        mtime_ns=status.st_mtime_ns,
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)),
        attributes=found,
    )
