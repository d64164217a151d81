"""One entry of a layer becomes one file: in as few system calls as it can.

It is made by a thread whose umask is its own and empty (``pycontainerd.diff.thread``), so that a file has its mode from the start; and what
belongs to the supervisor's own user and group, as most files of an image do, has its owner from the start.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping

from pycontainerd import tree
from pycontainerd.diff.blocks import Blocks
from pycontainerd.diff.confined import DEFAULT_ACL, Confined, Directory, components
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
from pycontainerd.diff.whiteouts import AUFS, OPAQUE, OVERLAY_XATTRS, PREFIX, Whiteouts, is_mark, make_opaque
from pycontainerd.errors import LayerError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SPECIAL = 0o7000
_LARGEST_ID = 2**32 - 2


class Maker:
    """Makes entries below ``root``, whose contents come from ``blocks``."""

    def __init__(self, root: Confined, blocks: Blocks, whiteouts: Whiteouts) -> None:
        self._root, self._blocks, self._whiteouts = root, blocks, whiteouts
        self._in_place = whiteouts.in_place
        self._kinds: Mapping[bytes, Callable[[Entry, Directory, bytes], None]] = {
            FILE: self._file,
            DIRECTORY: self._directory,
            SYMLINK: self._symlink,
            HARD_LINK: self._hard_link,
            CHARACTER: self._node,
            BLOCK_DEVICE: self._node,
            FIFO: self._node,
        }

    def make(self, entry: Entry) -> None:
        """Make it, or do what its name says. LayerError, OSError."""
        make = self._kinds.get(entry.kind)
        if make is None:
            raise LayerError(entry.label, f"unknown kind of entry {entry.kind!r}")
        if entry.uid > _LARGEST_ID or entry.gid > _LARGEST_ID or entry.uid < 0 or entry.gid < 0:
            raise LayerError(entry.label, f"its owner {entry.uid}:{entry.gid} is not one")
        name = entry.name
        if name.endswith(b"/") or name.startswith(b"./"):
            name = name.rstrip(b"/")
            while name.startswith(b"./"):
                name = name[2:].lstrip(b"/")
        parent, leaf = self._root.parent_of(name)
        if leaf.startswith(PREFIX) and not self._whiteouts.literal:
            self._whiteout(entry, parent, leaf)
        elif leaf:
            make(entry, parent, leaf)
            if self._in_place:
                self._whiteouts.made(self._path(leaf))
        elif entry.kind == DIRECTORY:
            self._root.described(b"")
            self._adjust(entry, parent)
        else:
            self._blocks.skip(entry.size)

    # -- whiteouts ---------------------------------------------------------------------------------------------------------------

    def _whiteout(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        """Aufs' own bookkeeping, in layers of old, is passed over: no other file system has a use for it."""
        path, gone = self._root.last_path, False
        if leaf == OPAQUE:
            gone = self._whiteouts.hide_all(parent.fd, path)
        elif not leaf.startswith(AUFS):
            name = leaf.removeprefix(PREFIX)
            if name in (b"", b".", b".."):
                raise LayerError(entry.label, "hides nothing that has a name")
            gone = self._whiteouts.hide(parent.fd, path, name)
        if gone:
            self._root.forget()
        self._blocks.skip(entry.size)

    # -- kinds -------------------------------------------------------------------------------------------------------------------

    def _file(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        fd = self._created(parent, leaf, entry.mode & 0o777)
        try:
            if entry.segments is not None:
                self._write_segments(fd, entry)
            elif entry.size:
                self._write(fd, entry.size)
            if not (parent.plain and entry.uid == self._root.user and entry.gid == self._root.group):
                os.fchown(fd, entry.uid, entry.gid)
                os.fchmod(fd, entry.mode)  # chown clears setuid, and an ACL may have changed the rest
            elif entry.mode & _SPECIAL:
                os.fchmod(fd, entry.mode)
            if entry.attributes:
                _set_attributes(fd, entry)  # after chown, which clears capabilities
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _created(self, parent: Directory, leaf: bytes, mode: int) -> int:
        try:
            return os.open(leaf, _NEW_FILE, mode, dir_fd=parent.fd)
        except FileExistsError:
            self._clear(parent, leaf)
            return os.open(leaf, _NEW_FILE, mode, dir_fd=parent.fd)

    def _write(self, fd: int, size: int) -> None:
        whole = self._blocks.whole(size)
        if whole is not None:
            if os.write(fd, whole) != size:
                _write_rest(fd, whole, os.lseek(fd, 0, os.SEEK_CUR))
            return
        for part in self._blocks.parts(size):
            _write_rest(fd, part, 0)

    def _write_segments(self, fd: int, entry: Entry) -> None:
        """What is not a hole, where it belongs; the content is padded once, at its end."""
        segments = iter(entry.segments or ())
        left = 0
        for part in self._blocks.parts(entry.size):
            at = 0
            while at < len(part):
                if not left:
                    offset, left = next(segments)
                    os.lseek(fd, offset, os.SEEK_SET)
                count = min(left, len(part) - at)
                _write_rest(fd, part[at : at + count], 0)
                at, left = at + count, left - count
        os.ftruncate(fd, entry.length)

    def _directory(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        try:
            os.mkdir(leaf, entry.mode & 0o777, dir_fd=parent.fd)
        except FileExistsError:
            self._directory_again(entry, parent, leaf)
            return
        path = self._path(leaf)
        self._root.described(path)
        made = self._root.open_in(parent, leaf)
        self._root.keep(path, made)
        self._finish_directory(entry, made, fresh=parent.plain)

    def _directory_again(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        """What is in a directory stays when it comes again. A mark of this layer means that what is underneath stays hidden."""
        found = os.lstat(leaf, dir_fd=parent.fd)
        if not stat.S_ISDIR(found.st_mode):
            if self._whiteouts.keep_kinds:
                raise LayerError(entry.label, "cannot overwrite non-directory with directory")
            self._clear(parent, leaf)
            os.mkdir(leaf, 0o755, dir_fd=parent.fd)
            if is_mark(found) and not self._in_place and not self._whiteouts.literal:
                make_opaque(parent.fd, leaf)
        path = self._path(leaf)
        self._root.described(path)
        directory = self._root.kept(path)
        if directory is None:
            directory = self._root.open_in(parent, leaf)
            self._root.keep(path, directory)
        self._adjust(entry, directory)

    def _adjust(self, entry: Entry, directory: Directory) -> None:
        """Give a directory that was there what the entry says."""
        if self._in_place:
            _remove_other_attributes(directory, entry.attributes)
        self._finish_directory(entry, directory, fresh=False)

    def _finish_directory(self, entry: Entry, directory: Directory, *, fresh: bool) -> None:
        owned = entry.uid == self._root.user and entry.gid == self._root.group
        if not (fresh and owned):
            os.fchown(directory.fd, entry.uid, entry.gid)
            os.fchmod(directory.fd, entry.mode)
        elif entry.mode & _SPECIAL:
            os.fchmod(directory.fd, entry.mode)
        if entry.attributes:
            _set_attributes(directory.fd, entry)
            directory.acl = entry.attributes.get(DEFAULT_ACL, directory.acl)
        directory.mtime_ns = entry.mtime_ns
        directory.now_is(entry.mode, entry.gid, self._root.group)

    def _symlink(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        self._placed(parent, leaf, lambda: os.symlink(entry.link, leaf, dir_fd=parent.fd))
        self._finish(entry, parent, leaf)

    def _node(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        kind = {CHARACTER: stat.S_IFCHR, BLOCK_DEVICE: stat.S_IFBLK, FIFO: stat.S_IFIFO}[entry.kind]
        device = 0 if entry.kind == FIFO else os.makedev(entry.major, entry.minor)
        self._placed(parent, leaf, lambda: os.mknod(leaf, kind | 0o600, device, dir_fd=parent.fd))
        self._finish(entry, parent, leaf)

    def _hard_link(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        try:
            target = components(entry.link)
        except LayerError as error:
            raise LayerError(entry.label, f"links to {os.fsdecode(entry.link)!r}: {error.rule}") from None
        if not target:
            raise LayerError(entry.label, "links to the layer's root")
        here = os.dup(parent.fd)  # the walk to the target may close the parent
        try:
            path = self._root.last_path
            there = self._root.directory(target[:-1], entry.name, make=False)
            if (self._root.last_path, target[-1]) != (path, leaf):  # else it is there already
                self._placed_at(
                    here,
                    leaf,
                    lambda: os.link(target[-1], leaf, src_dir_fd=there.fd, dst_dir_fd=here, follow_symlinks=False),
                )
            self._root.last_path_is(path)
        finally:
            os.close(here)

    # -- what they share ---------------------------------------------------------------------------------------------------------

    def _path(self, leaf: bytes) -> bytes:
        path = self._root.last_path
        return path + b"/" + leaf if path else leaf

    def _placed(self, parent: Directory, leaf: bytes, place: Callable[[], None]) -> None:
        self._placed_at(parent.fd, leaf, place)

    def _placed_at(self, parent: int, leaf: bytes, place: Callable[[], None]) -> None:
        try:
            place()
        except FileExistsError:
            self._clear_at(parent, leaf)
            place()

    def _clear(self, parent: Directory, leaf: bytes) -> None:
        self._clear_at(parent.fd, leaf)

    def _clear_at(self, parent: int, leaf: bytes) -> None:
        """Remove what is under this name: an earlier entry of the same layer, or in place one of a lower layer."""
        try:
            os.unlink(leaf, dir_fd=parent)
        except IsADirectoryError:
            if self._whiteouts.keep_kinds:
                raise LayerError(os.fsdecode(leaf), "cannot overwrite directory with non-directory") from None
            self._root.forget_below(self._path(leaf))
            tree.remove(os.fsdecode(leaf), dir_fd=parent)

    def _finish(self, entry: Entry, parent: Directory, leaf: bytes) -> None:
        """Owner, then mode (chown clears setuid), then attributes (chown clears capabilities), then time: of what has no descriptor."""
        is_link = entry.kind == SYMLINK
        if not (parent.plain and entry.uid == self._root.user and entry.gid == self._root.group):
            os.chown(leaf, entry.uid, entry.gid, dir_fd=parent.fd, follow_symlinks=False)
        if not is_link:
            # Ours and not a symlink, since it was just made in a directory that only we write to.
            os.chmod(leaf, entry.mode, dir_fd=parent.fd)
        if entry.attributes:
            _set_attributes(f"/proc/self/fd/{parent.fd}/{os.fsdecode(leaf)}", entry)
        os.utime(leaf, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent.fd, follow_symlinks=False)


def _write_rest(fd: int, data: memoryview, written: int) -> None:
    while written < len(data):
        written += os.write(fd, data[written:])


def _set_attributes(target: int | str, entry: Entry) -> None:
    """Extended attributes. The default ACL of a directory comes last of all, when the directory is closed."""
    for key, value in entry.attributes.items():
        if key.startswith(OVERLAY_XATTRS):
            raise LayerError(entry.label, f"{os.fsdecode(key)}: overlayfs' own attributes are not taken from a layer")
        if key == DEFAULT_ACL and entry.kind == DIRECTORY:
            continue
        try:
            if isinstance(target, int):
                os.setxattr(target, key, value)
            else:
                os.setxattr(target, key, value, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.ENOTSUP:  # as docker: a file system without these attributes still takes the image
                raise


def _remove_other_attributes(directory: Directory, kept: Mapping[bytes, bytes]) -> None:
    directory.acl = None
    for name in os.listxattr(directory.fd):
        if os.fsencode(name) not in kept and not name.startswith("security.selinux"):
            os.removexattr(directory.fd, name)
