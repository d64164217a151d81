"""Apply a layer (image-spec, layer.md) to a directory: files, links, devices, whiteouts, owners, modes, times, extended attributes.

Whiteouts become overlayfs' own marks, since each layer has a directory of its own: ``.wh.NAME`` a character device 0:0 named NAME, and
``.wh..wh..opq`` the attribute trusted.overlay.opaque of its directory.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import IO

from attrs import frozen

from pycontainerd import tree
from pycontainerd.content.store import PIECE
from pycontainerd.diff.compression import DAMAGED, decompressed
from pycontainerd.diff.confined import Confined, components
from pycontainerd.diff.tar import StrictArchive
from pycontainerd.errors import LayerError

_WHITEOUT = ".wh."
_AUFS = ".wh..wh."
_OPAQUE = ".wh..wh..opq"
_XATTR = "SCHILY.xattr."
_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""The machine's fault and not the layer's."""


@frozen
class Applied:
    """What a layer was: ``diff_id`` is the digest of the plain tar, ``size`` the bytes of its files."""

    diff_id: str
    size: int


class _Hashing:
    """Passes reads through and hashes what passes."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hashed = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hashed.update(data)
        return data

    @property
    def digest(self) -> str:
        """Of what has passed."""
        return f"sha256:{self._hashed.hexdigest()}"


def apply(layer: IO[bytes], directory: str, below: Sequence[str] = ()) -> Applied:
    """Unpack ``layer`` (seekable; plain, gzip or zstd) into ``directory``. Memory is bounded by one piece (256 KiB), one header, and the
    names of the layer's directories.

    ``below`` are the directories of the layers underneath, nearest first. LayerError names the entry that is malformed or would leave
    the directory. What was written before it stays: the caller throws the directory away.
    """
    plain = _Hashing(decompressed(layer))
    try:
        with Confined(directory, below) as root:
            size = _unpack(plain, root)
        while plain.read(PIECE):
            pass  # the padding after the last entry belongs to the digest
    except (tarfile.TarError, UnicodeError, ValueError, *DAMAGED) as error:
        raise LayerError("(archive)", f"damaged or truncated: {error}") from error
    return Applied(plain.digest, size)


def diff_id(layer: IO[bytes]) -> str:
    """The digest of the plain tar of ``layer`` (seekable; plain, gzip or zstd). LayerError when it is damaged."""
    plain = _Hashing(decompressed(layer))
    try:
        while plain.read(PIECE):
            pass
    except DAMAGED as error:
        raise LayerError("(archive)", f"damaged or truncated: {error}") from error
    return plain.digest


def _unpack(plain: _Hashing, root: Confined) -> int:
    size = 0
    times: list[tuple[tuple[str, ...], int]] = []
    with StrictArchive.open(fileobj=plain, mode="r|", bufsize=PIECE) as archive:  # type: ignore[call-overload]
        for entry in _entries(archive):
            parts = components(entry.name)
            try:
                _entry(archive, entry, parts, root)
                if entry.isdir():
                    times.append((parts, _mtime(entry)))
            except (OSError, OverflowError) as error:
                if isinstance(error, OSError) and error.errno in _MACHINE:
                    raise
                raise LayerError(entry.name, getattr(error, "strerror", None) or str(error)) from error
            size += entry.size
        for parts, mtime in reversed(times):  # last, because writing into a directory changes its time
            _set_directory_time(root, parts, mtime)
    return size


def _entries(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (entry := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # or it keeps a kilobyte for each entry that it has ever seen
        yield entry


def _entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, parts: tuple[str, ...], root: Confined) -> None:
    if not parts:
        if entry.isdir():
            _finish(root.directory((), entry.name), ".", entry)
        return
    parent, name = root.directory(parts[:-1], entry.name), parts[-1]
    if name == _OPAQUE:
        _make_opaque(parent)
    elif name.startswith(_AUFS):
        pass  # aufs' own bookkeeping in layers of old; no other file system has a use for it
    elif name.startswith(_WHITEOUT):
        _white_out(parent, name.removeprefix(_WHITEOUT), entry)
    elif _make(archive, entry, parent, name, root):
        root.forget()


def _white_out(parent: int, name: str, entry: tarfile.TarInfo) -> None:
    """Hide what the layers underneath have under ``name``. What this layer itself has there stays (layer.md, "Whiteouts")."""
    if name in ("", ".", ".."):
        raise LayerError(entry.name, "hides nothing that has a name")
    try:
        os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            _make_opaque_child(parent, name)


def _make_opaque(directory: int) -> None:
    os.setxattr(directory, "trusted.overlay.opaque", b"y")


def _make_opaque_child(parent: int, name: str) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        _make_opaque(descriptor)
    finally:
        os.close(descriptor)


def _make(archive: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str, root: Confined) -> bool:
    """Put the entry there. True if a directory had to go for it."""
    if entry.isdir():
        _directory(parent, name)
        replaced = False
    else:
        replaced = _clear(parent, name)
        if entry.islnk():
            _hard_link(entry, parent, name, root)
            return replaced
        _leaf(archive, entry, parent, name)
    _finish(parent, name, entry)
    return replaced


def _leaf(archive: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str) -> None:
    if entry.isreg():
        _file(archive, entry, parent, name)
    elif entry.issym():
        os.symlink(entry.linkname, name, dir_fd=parent)
    elif entry.isfifo():
        os.mkfifo(name, 0o600, dir_fd=parent)
    elif entry.ischr() or entry.isblk():
        kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK
        os.mknod(name, kind | 0o600, os.makedev(entry.devmajor, entry.devminor), dir_fd=parent)
    else:
        raise LayerError(entry.name, f"unknown kind of entry {entry.type!r}")


def _directory(parent: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        found = os.lstat(name, dir_fd=parent)
        if stat.S_ISDIR(found.st_mode):
            return
        _clear(parent, name)
        os.mkdir(name, 0o755, dir_fd=parent)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:  # a whiteout: what it hid stays hidden
            _make_opaque_child(parent, name)


def _clear(parent: int, name: str) -> bool:
    """Remove what an earlier entry of the same layer left under this name. True if that was a directory."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        tree.remove(name, dir_fd=parent)
        return True
    return False


def _file(archive: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str) -> None:
    source = archive.extractfile(entry)
    if source is None:
        raise LayerError(entry.name, "has no content")
    descriptor = os.open(
        name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent
    )
    with open(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
        if file.tell() != entry.size:
            raise LayerError(entry.name, f"ends after {file.tell()} of {entry.size} bytes")


def _hard_link(entry: tarfile.TarInfo, parent: int, name: str, root: Confined) -> None:
    try:
        target = components(entry.linkname)
    except LayerError as error:
        raise LayerError(entry.name, f"links to {entry.linkname!r}: {error.rule}") from None
    if not target:
        raise LayerError(entry.name, "links to the layer's root")
    here = os.dup(parent)  # the walk to the target gives the parent's own descriptor back
    try:
        there = root.directory(target[:-1], entry.name, make=False)
        os.link(target[-1], name, src_dir_fd=there, dst_dir_fd=here, follow_symlinks=False)
    finally:
        os.close(here)


def _finish(parent: int, name: str, entry: tarfile.TarInfo) -> None:
    """Owner, then mode (chown clears setuid), then attributes (chown clears capabilities), then time."""
    os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
    if not entry.issym():
        # Ours and not a symlink, since it was just made with O_EXCL or mkdir in a directory that only we write to.
        os.chmod(name, stat.S_IMODE(entry.mode), dir_fd=parent)
    for key, value in entry.pax_headers.items():
        if key.startswith(_XATTR):
            _attribute(parent, name, key.removeprefix(_XATTR), value)
    mtime = _mtime(entry)
    os.utime(name, ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)


def _attribute(parent: int, name: str, key: str, value: str) -> None:
    if key.startswith("trusted.overlay."):
        raise LayerError(name, f"{key}: overlayfs' own attributes are not taken from a layer")
    path = f"/proc/self/fd/{parent}/{name}"
    try:
        os.setxattr(path, key, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENOTSUP:  # as docker: a file system without these attributes still takes the image
            raise


def _set_directory_time(root: Confined, parts: tuple[str, ...], mtime: int) -> None:
    try:
        directory = root.directory(parts, "/".join(parts), make=False)
    except LayerError:
        return  # replaced by a later entry
    os.utime(directory, ns=(mtime, mtime))


def _mtime(entry: tarfile.TarInfo) -> int:
    """Nanoseconds. tarfile's own number is a float, which has no room for them."""
    try:
        return int(Decimal(entry.pax_headers.get("mtime", "") or entry.mtime).scaleb(9))
    except (ArithmeticError, ValueError):  # no number, no end, or no room
        raise LayerError(entry.name, "its time is not one") from None
