"""Walk a difference: what was added, modified and deleted, parents before children, names in order.

The upper directory may be a running container's: it is walked from descriptor to descriptor, symlinks are never followed, and what goes
while one looks is left out. The lower ones are finished layers, and are looked up by path. Memory: the names of the directories on the way
down, and of every file that has several names.
"""

from __future__ import annotations

import filecmp
import os
import stat
from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from pycontainerd.diff import attributes
from pycontainerd.diff.change import Change, ChangeKind, Difference
from pycontainerd.diff.whiteouts import is_mark

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = 64
"""Directories on the way down that stay open; deeper trees are walked again from the top when one comes back up."""
_NANO = 10**9


@frozen(kw_only=True)
class Found:
    """A change as the walk finds it: ``name`` in the open directory ``parent``, valid until the next one is asked for.

    ``status`` is None for what is deleted. ``covers`` are the directories below of which nothing is to be seen. ``same``: not changed,
    but the directory of something that is, or a file of several names, another of which may have to be told.
    """

    path: bytes
    kind: ChangeKind
    parent: int
    name: bytes
    status: os.stat_result | None
    covers: tuple[bytes, ...] = ()
    same: bool = False


@frozen
class _Below:
    """One name in the layers underneath: its status and, of a directory, the directories that it is made of."""

    status: os.stat_result | None = None
    path: bytes = b""
    directories: tuple[bytes, ...] = ()


@define
class _Level:
    """A directory on the way down. ``fd`` is None when it was closed because it is far up."""

    path: bytes
    lowers: tuple[bytes, ...]
    names: list[bytes]
    """Still to be looked at, last one first."""
    fd: int | None
    itself: Found | None = None
    """What to tell of the directory before anything in it, if that has not been done."""
    gone: list[bytes] = field(factory=list)


def changes(difference: Difference) -> list[Change]:
    """Sorted by path. What is in a directory that was deleted is not listed, nor are unchanged directories above a change."""
    found = []
    for item in walk(difference):
        path = os.fsdecode(b"/" + item.path)
        if item.path and not (item.same and item.status is not None and not stat.S_ISDIR(item.status.st_mode)):
            found.append(Change(path, item.kind))
        if item.covers:
            found += [Change(f"{path}/{name}", ChangeKind.DELETED) for name in _covered(item)]
    return sorted(found, key=lambda change: os.fsencode(change.path))


def walk(difference: Difference) -> Iterator[Found]:
    """Everything that is not the same. OSError, LayerError."""
    return _Walk(difference).run()


class _Walk:
    def __init__(self, difference: Difference) -> None:
        self._difference = difference
        self._levels: list[_Level] = []
        self._root = -1

    def run(self) -> Iterator[Found]:
        assert not self._difference.between, "mount the two sides, and compare those"
        self._root = os.open(self._difference.upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield from self._top()
            while self._levels:
                level = self._levels[-1]
                if level.names:
                    yield from self._look(level, level.names.pop())
                else:
                    self._leave()
        finally:
            for level in self._levels:
                _close(level)
            os.close(self._root)

    def _top(self) -> Iterator[Found]:
        lowers = tuple(map(os.fsencode, self._difference.lowers))
        status = os.fstat(self._root)
        below = _Below(os.lstat(lowers[0]), lowers[0], lowers) if lowers else _Below()
        self._enter(b"", os.open(".", _DIRECTORY, dir_fd=self._root), below.directories, None)
        if not lowers or not self._alike(below, status, self._root, b"", times=False):
            kind = ChangeKind.MODIFIED if lowers else ChangeKind.ADDED
            yield Found(path=b"", kind=kind, parent=self._root, name=b".", status=status)

    def _look(self, level: _Level, name: bytes) -> Iterator[Found]:
        path = _joined(level.path, name)
        if path in self._difference.hidden:
            return
        parent = self._opened(level)
        try:
            status = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            status = None
        below = self._below(level.lowers, name)
        if status is None or (self._difference.marked and is_mark(status)):
            if below.status is not None:
                yield from self._tell(Found(path=path, kind=ChangeKind.DELETED, parent=parent, name=name, status=None))
        elif stat.S_ISDIR(status.st_mode):
            yield from self._directory(parent, path, name, status, below)
        else:
            found = Found(path=path, kind=_kind(below), parent=parent, name=name, status=status)
            same = not self._difference.marked and self._alike(below, status, None, name, parent=parent)
            yield from self._unchanged(found) if same else self._tell(found)

    def _unchanged(self, found: Found) -> Iterator[Found]:
        """A hard link of something that has changed its names has to be told, too; ``create`` sorts out which."""
        assert found.status is not None
        if found.status.st_nlink > 1 and stat.S_ISREG(found.status.st_mode):
            yield Found(
                path=found.path, kind=found.kind, parent=found.parent, name=found.name, status=found.status, same=True
            )

    def _directory(
        self, parent: int, path: bytes, name: bytes, status: os.stat_result, below: _Below
    ) -> Iterator[Found]:
        try:
            fd = os.open(name, _DIRECTORY, dir_fd=parent)
        except OSError:  # it was a directory a moment ago
            return
        over = below.status is not None and stat.S_ISDIR(below.status.st_mode)
        lowers = below.directories if over else ()
        opaque = self._difference.marked and bool(lowers) and attributes.is_opaque(fd)
        same = over and not opaque and self._alike(below, status, fd, path)
        covers = lowers if opaque else ()
        itself = Found(path=path, kind=_kind(below), parent=parent, name=name, status=status, covers=covers, same=same)
        if not same:
            try:
                yield from self._tell(itself)
            except BaseException:
                os.close(fd)
                raise
        self._enter(path, fd, () if opaque else lowers, itself if same else None)

    def _tell(self, found: Found) -> Iterator[Found]:
        """The directories above first, if they have not been told of: whoever unpacks needs to know what they are like."""
        for depth, level in enumerate(self._levels):
            if level.itself is not None:
                itself, level.itself = level.itself, None
                above = self._opened(self._levels[depth - 1]) if depth else self._root
                yield Found(
                    path=itself.path, kind=itself.kind, parent=above, name=itself.name, status=itself.status, same=True
                )
        yield found

    def _enter(self, path: bytes, fd: int, lowers: tuple[bytes, ...], itself: Found | None) -> None:
        try:
            names = set(map(os.fsencode, os.listdir(fd)))
            if not self._difference.marked:
                for lower in lowers:
                    names.update(os.listdir(lower))
        except BaseException:
            os.close(fd)
            raise
        if len(self._levels) >= _OPEN:
            _close(self._levels[-_OPEN])
        self._levels.append(_Level(path, lowers, sorted(names, reverse=True), fd, itself))

    def _leave(self) -> None:
        _close(self._levels.pop())

    def _opened(self, level: _Level) -> int:
        if level.fd is None:
            level.fd = _descend(self._root, level.path)
        return level.fd

    def _below(self, lowers: tuple[bytes, ...], name: bytes) -> _Below:
        """As overlayfs merges: the first that has the name decides what it is; of directories all do that come right below it."""
        first: os.stat_result | None = None
        directories: list[bytes] = []
        for lower in lowers:
            path = lower + b"/" + name
            try:
                status = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            if self._difference.marked and is_mark(status):
                break
            if first is None:
                first, where = status, path
            if not stat.S_ISDIR(status.st_mode):
                break
            if not stat.S_ISDIR(first.st_mode):
                break
            directories.append(path)
            if self._difference.marked and attributes.is_opaque(os.fsdecode(path)):
                break
        return _Below(first, where, tuple(directories)) if first is not None else _Below()

    def _alike(
        self,
        below: _Below,
        status: os.stat_result,
        fd: int | None,
        name: bytes,
        *,
        parent: int | None = None,
        times: bool = True,
    ) -> bool:
        """Whether all that a layer would tell of the two is the same. ``fd`` of a directory, else ``name`` in ``parent``."""
        other = below.status
        if other is None or _facts(other) != _facts(status) or (times and other.st_mtime_ns != status.st_mtime_ns):
            return False
        lower = os.fsdecode(below.path)
        here: int | str = fd if fd is not None else f"/proc/self/fd/{parent}/{os.fsdecode(name)}"
        if attributes.read(lower, name) != attributes.read(here, name):
            return False
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(lower) == os.readlink(str(here))
        return not stat.S_ISREG(status.st_mode) or _same_content(lower, str(here), status)


def _same_content(lower: str, upper: str, status: os.stat_result) -> bool:
    """Files of one size and one time to the nanosecond are taken for the same. Whole seconds were set by somebody: then they are read,
    as containerd does."""
    return bool(status.st_mtime_ns % _NANO) or filecmp.cmp(lower, upper, shallow=False)


def _facts(status: os.stat_result) -> tuple[int, ...]:
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    device = status.st_rdev if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else 0
    return (status.st_mode, status.st_uid, status.st_gid, size, device)


def _kind(below: _Below) -> ChangeKind:
    return ChangeKind.ADDED if below.status is None else ChangeKind.MODIFIED


def _covered(item: Found) -> Sequence[str]:
    """The names that an opaque directory hides."""
    fd = os.open(item.name, _DIRECTORY, dir_fd=item.parent)
    try:
        kept = set(os.listdir(fd))
    finally:
        os.close(fd)
    hidden: set[str] = set()
    for lower in item.covers:
        hidden.update(os.listdir(os.fsdecode(lower)))
    return sorted(hidden - kept)


def _joined(path: bytes, name: bytes) -> bytes:
    return path + b"/" + name if path else name


def _close(level: _Level) -> None:
    if level.fd is not None:
        os.close(level.fd)
        level.fd = None


def _descend(root: int, path: bytes) -> int:
    fd = os.open(".", _DIRECTORY, dir_fd=root)
    for part in path.split(b"/") if path else ():
        try:
            following = os.open(part, _DIRECTORY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = following
    return fd
