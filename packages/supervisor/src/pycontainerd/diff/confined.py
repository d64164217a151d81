"""A directory tree that nothing written into it can leave.

Names are walked one component at a time from a descriptor of the root, without following symlinks: a layer whose entry has a symlink (or a
file) as a parent replaces nothing outside, it is refused. ``..`` is refused as well. No path is resolved twice.

The directories used last are kept open. Making something in a directory changes its time, and a default ACL on it changes what is made in
it: so each keeps both back as long as it is open, and gets them when it is closed. That way nothing has to be remembered of the others.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from attrs import define

from pycontainerd.confined import open_beneath
from pycontainerd.errors import LayerError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT: Final = 64
"""Open directories at one time."""
_LONGEST_PART: Final = 255
_MOST_IMPLIED: Final = 4096
"""Directories without an entry of which a layer may have so many, if what is underneath is not known yet: their names are kept in memory."""
DEFAULT_ACL: Final = b"system.posix_acl_default"


class TooManyImplied(Exception):  # noqa: N818 - named for what happened, as all errors here
    """A layer has more directories without an entry than are remembered: unpack it once it is known what is underneath."""


@define
class Directory:
    """An open one. ``plain``: what is made in it belongs to whoever makes it. ``mtime_ns`` and ``acl`` are what it gets when it is closed."""

    fd: int
    plain: bool
    mtime_ns: int | None
    acl: bytes | None

    @classmethod
    def of(cls, fd: int, group: int, *, live: bool) -> Directory:
        """What the descriptor has. Of a ``live`` one nothing is kept back: its ACL is needed by who uses it, and its time is to change."""
        status = os.fstat(fd)
        made = cls(fd, False, None, None) if live else cls(fd, False, status.st_mtime_ns, _taken_acl(fd))
        made.now_is(status.st_mode, status.st_gid, group)
        return made

    def now_is(self, mode: int, gid: int, group: int) -> None:
        """A set-group-id directory hands its group down, and on some mounts (``grpid``) each does."""
        self.plain = not mode & stat.S_ISGID and gid == group

    def close(self) -> None:
        """Give back what was kept, and close."""
        try:
            if self.acl is not None:
                os.setxattr(self.fd, DEFAULT_ACL, self.acl)
            if self.mtime_ns is not None:
                os.utime(self.fd, ns=(self.mtime_ns, self.mtime_ns))
        finally:
            os.close(self.fd)


def components(name: bytes) -> tuple[bytes, ...]:
    """The parts of an entry's name below the root: ``./a//b/`` is (a, b). LayerError for ``..``, NUL, and names that no file system has."""
    parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
    for part in parts:
        if part == b".." or b"\0" in part:
            raise LayerError(os.fsdecode(name), "leaves the layer's root")
        if len(part) > _LONGEST_PART:
            raise LayerError(os.fsdecode(name), f"a part of its name is longer than {_LONGEST_PART} bytes")
    return parts


class Confined:
    """The tree below ``root``.

    ``below`` are the directories of the layers underneath, nearest first: a directory that is made because an entry needs it is like
    the one of the same name there, which it will cover. None: that is not known yet, and ``implied`` is the names of these directories, up to
    4096 of them (TooManyImplied); the root (``b""``) is one of them. ``live``: somebody else uses the tree, and may change it. ``maker``: the uid and
    gid that what this thread makes belongs to, if that is not the process's.
    """

    def __init__(
        self,
        root: str,
        below: Sequence[str] | None = (),
        *,
        live: bool = False,
        maker: tuple[int, int] | None = None,
    ) -> None:
        self._live = live
        self.implied: set[bytes] | None = {b""} if below is None else None
        self.user, self.group = maker or (os.geteuid(), os.getegid())
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            self._below = [_open(directory, opened) for directory in below or ()]
            self._root = Directory.of(os.open(root, _DIRECTORY), self.group, live=live)
            self._stack = opened.pop_all()
        self._kept: dict[bytes, Directory] = {}
        self._last: tuple[bytes, Directory] = (b"", self._root)

    def __enter__(self) -> Confined:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            try:
                self.forget()
            finally:
                self._root.close()

    def forget(self) -> None:
        """Close what is kept: a directory may have been replaced."""
        self._last = (b"", self._root)
        with contextlib.ExitStack() as closing:
            while self._kept:
                closing.callback(self._kept.popitem()[1].close)

    def forget_below(self, path: bytes) -> None:
        """Close the directory ``path``, if it is kept, and all in it: it is about to be removed."""
        below = path + b"/"
        if (self._last[0] + b"/").startswith(below):
            self._last = (b"", self._root)
        for kept in [kept for kept in self._kept if kept == path or kept.startswith(below)]:
            self._kept.pop(kept).close()

    @property
    def last_path(self) -> bytes:
        """Of the directory that was given out last."""
        return self._last[0]

    def described(self, path: bytes) -> None:
        """The directory has an entry of its own."""
        if self.implied:
            self.implied.discard(path)

    def last_path_is(self, path: bytes) -> None:
        """Make ``path`` the last one again."""
        self.directory(tuple(path.split(b"/")) if path else (), path)

    def parent_of(self, name: bytes) -> tuple[Directory, bytes]:
        """The directory that an entry goes into, made if it is missing, and the last part of its name (empty: it is the root).

        The directory is valid until the next call.
        """
        parent, _, leaf = name.rpartition(b"/")
        if parent == self._last[0] and leaf not in (b"", b".", b"..") and len(leaf) <= _LONGEST_PART:
            return self._last[1], leaf  # as spelled, so the name is known to be a plain one
        parts = components(name)
        if not parts:
            return self._root, b""
        return self.directory(parts[:-1], name), parts[-1]

    def directory(self, parts: tuple[bytes, ...], name: bytes, *, make: bool = True) -> Directory:
        """The directory ``parts``, valid until the next call; missing ones are made. LayerError if one is none."""
        path = b"/".join(parts)
        found = self.kept(path) or self._walk(parts, name, make)
        self._last = (path, found)
        return found

    def kept(self, path: bytes) -> Directory | None:
        """The directory, if it is open; it is the last one then that will be closed."""
        if not path:
            return self._root
        found = self._kept.pop(path, None)
        if found is not None:
            self._kept[path] = found
        return found

    def keep(self, path: bytes, directory: Directory) -> None:
        """Take over an open directory, and close the one that was not used for longest; never the one that was given out last."""
        self._kept[path] = directory
        if len(self._kept) > _KEPT:
            self.kept(self._last[0])
            self._kept.pop(next(iter(self._kept))).close()

    def open_in(self, parent: Directory, leaf: bytes) -> Directory:
        """A directory that is there, not kept yet. OSError if it is none."""
        fd = os.open(leaf, _DIRECTORY, dir_fd=parent.fd)
        try:
            return Directory.of(fd, self.group, live=self._live)
        except BaseException:
            os.close(fd)
            raise

    def _walk(self, parts: tuple[bytes, ...], name: bytes, make: bool) -> Directory:
        current, done = self._root, 0
        for depth in range(len(parts) - 1, 0, -1):
            if (found := self.kept(b"/".join(parts[:depth]))) is not None:
                current, done = found, depth
                break
        for depth in range(done, len(parts)):
            try:
                current = self._enter(current, parts[: depth + 1], make)
            except OSError as error:
                rule = (
                    "is not a directory"
                    if error.errno in (errno.ENOTDIR, errno.ELOOP)
                    else f"cannot be entered: {error.strerror}"
                )
                raise LayerError(os.fsdecode(name), f"{os.fsdecode(parts[depth])!r} in its path {rule}") from None
            self.keep(b"/".join(parts[: depth + 1]), current)
        return current

    def _enter(self, directory: Directory, parts: tuple[bytes, ...], make: bool) -> Directory:
        try:
            return self.open_in(directory, parts[-1])
        except FileNotFoundError:
            if not make:
                raise
        if self.implied is not None:
            self.implied.add(b"/".join(parts))
            if len(self.implied) > _MOST_IMPLIED:
                raise TooManyImplied
        os.mkdir(parts[-1], 0o755, dir_fd=directory.fd)
        fd = os.open(parts[-1], _DIRECTORY, dir_fd=directory.fd)
        try:
            like = self._covered(parts)
            os.fchown(fd, *((like.st_uid, like.st_gid) if like else (self.user, self.group)))
            os.fchmod(fd, stat.S_IMODE(like.st_mode) if like else 0o755)
            made = Directory.of(fd, self.group, live=self._live)
            made.mtime_ns = like.st_mtime_ns if like else made.mtime_ns
            return made
        except BaseException:
            os.close(fd)
            raise

    def settle(self, path: bytes) -> bool:
        """Make an implied directory, if it is still there, like the one that it covers. False when it covers none."""
        parts = tuple(path.split(b"/"))
        like = self._covered(parts)
        if like is None:
            return False
        with contextlib.suppress(LayerError):  # a later entry has put something else there
            directory = self.directory(parts, path, make=False)
            os.fchown(directory.fd, like.st_uid, like.st_gid)
            os.fchmod(directory.fd, stat.S_IMODE(like.st_mode))
            directory.mtime_ns = like.st_mtime_ns
        return True

    def _covered(self, parts: tuple[bytes, ...]) -> os.stat_result | None:
        """The directory ``parts`` as it is seen in the layers underneath."""
        path = b"/".join(parts)
        for root in self._below:
            try:
                found = open_beneath(root, path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue
            except OSError:
                return None  # something else covers it there
            try:
                return os.fstat(found)
            finally:
                os.close(found)
        return None


def _open(path: str, opened: contextlib.ExitStack) -> int:
    descriptor = os.open(path, _DIRECTORY)
    opened.callback(os.close, descriptor)
    return descriptor


def _taken_acl(fd: int) -> bytes | None:
    try:
        acl = os.getxattr(fd, DEFAULT_ACL)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise
    os.removexattr(fd, DEFAULT_ACL)
    return acl
