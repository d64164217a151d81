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
import zlib
from typing import IO

import zstandard
from attrs import frozen

from pycontainerd.content.store import PIECE
from pycontainerd.diff.compression import decompressed
from pycontainerd.diff.confined import Confined, components
from pycontainerd.errors import LayerError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_XATTR = "SCHILY.xattr."


@frozen
class Applied:
    """What a layer was: ``diff_id`` is the digest of the plain tar, ``size`` the bytes of its files."""

    diff_id: str
    size: int


class _Hashing:
    """Passes reads through and hashes what passes."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.hashed = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hashed.update(data)
        return data


def apply(layer: IO[bytes], directory: str) -> Applied:
    """Unpack ``layer`` (seekable; plain, gzip or zstd) into ``directory``. Memory is bounded by one piece (256 KiB) and one header.

    LayerError names the entry that is malformed or would leave the directory. What was written before it stays: the caller throws the
    directory away.
    """
    plain = _Hashing(decompressed(layer))
    try:
        size = _unpack(plain, directory)
        while plain.read(PIECE):
            pass  # the padding after the last entry belongs to the digest
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError, UnicodeError, ValueError) as error:
        raise LayerError("(archive)", f"damaged or truncated: {error}") from error
    return Applied(f"sha256:{plain.hashed.hexdigest()}", size)


def _unpack(plain: _Hashing, directory: str) -> int:
    size = 0
    times: list[tuple[tuple[str, ...], float]] = []
    with tarfile.open(fileobj=plain, mode="r|", bufsize=PIECE) as archive, Confined(directory) as root:  # type: ignore[call-overload]
        for entry in archive:
            parts = components(entry.name)
            try:
                _entry(archive, entry, parts, root)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
                    raise
                raise LayerError(entry.name, error.strerror or str(error)) from error
            size += entry.size
            if entry.isdir():
                times.append((parts, entry.mtime))
        for parts, mtime in reversed(times):  # last, because writing into a directory changes its time
            _set_directory_time(root, parts, mtime)
    return size


def _entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, parts: tuple[str, ...], root: Confined) -> None:
    if not parts:
        if entry.isdir():
            _finish(root.directory((), entry.name), ".", entry)
        return
    parent, name = root.directory(parts[:-1], entry.name), parts[-1]
    if name == _OPAQUE:
        os.setxattr(parent, "trusted.overlay.opaque", b"y")
    elif name.startswith(_WHITEOUT):
        _clear(parent, name.removeprefix(_WHITEOUT))
        os.mknod(name.removeprefix(_WHITEOUT), stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
    else:
        _make(archive, entry, parent, name, root)


def _make(archive: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str, root: Confined) -> None:
    if entry.isdir():
        _directory(parent, name)
    else:
        _clear(parent, name)
        if entry.islnk():
            _hard_link(entry, parent, name, root)
            return
        _leaf(archive, entry, parent, name)
    _finish(parent, name, entry)


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
        if not stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            _clear(parent, name)
            os.mkdir(name, 0o755, dir_fd=parent)


def _clear(parent: int, name: str) -> None:
    """Remove what an earlier entry of the same layer left under this name."""
    if name in ("", ".", ".."):
        raise LayerError(name, "not a name")
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(name, dir_fd=parent)


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
    target = components(entry.linkname)
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
    mtime = _nanoseconds(entry.mtime)
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


def _set_directory_time(root: Confined, parts: tuple[str, ...], mtime: float) -> None:
    try:
        directory = root.directory(parts, "/".join(parts), make=False)
    except LayerError:
        return  # replaced by a later entry
    os.utime(directory, ns=(_nanoseconds(mtime), _nanoseconds(mtime)))


def _nanoseconds(mtime: float) -> int:
    return int(mtime * 1_000_000_000)
