"""A tar from a container, unpacked on this machine: the container's files are its own, the names they have here are not its to choose.

Everything stays below the directory that was named: no entry is made through a link that leads out of it (CVE-2018-15664,
CVE-2019-14271 are what happens otherwise), and nothing belongs to anybody but the user.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pyctl.app.copying.paths import Place, Rename, clean, link_target, split
from pyctl.errors import CommandFailed, InvalidUsage

_MOST_LINKS: Final = 10


def target(path: str) -> Place:
    """What is at a path where a copy is to arrive; links are followed, also to what is not there yet. Raises `InvalidUsage`."""
    wanted = clean(path)
    here = wanted
    for _ in range(_MOST_LINKS + 1):
        if not os.path.islink(here):
            break
        here = link_target(here, os.readlink(here))
    else:
        raise InvalidUsage(f"too many symlinks in {wanted}")
    if os.path.lexists(here):
        return Place(here, exists=True, is_directory=os.path.isdir(here))
    parent = split(here)[0]
    if not os.path.exists(parent):
        raise InvalidUsage(f"stat {parent}: no such file or directory")
    if not os.path.isdir(parent):
        raise InvalidUsage("not a directory")
    return Place(here)


def unpack(pieces: Iterable[bytes], directory: str, rename: Rename) -> None:
    """Unpack below a directory that exists. Raises `CommandFailed` for an entry that does not belong there."""
    root = os.path.realpath(directory)
    directories: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=_Reader(iter(pieces)), mode="r|") as archive:
            archive.extraction_filter = lambda member, _: (
                member
            )  # as an attribute: Debian 12's Python knows no argument for it
            for member in archive:
                _adopt(member, rename)
                if _make(archive, member, root):
                    directories.append((os.path.join(root, member.name), member))
    except tarfile.TarError as error:
        raise CommandFailed(f"error reading the archive from the container: {error}", 1) from error
    except OSError as error:
        raise CommandFailed(f"{error.filename or directory}: {(error.strerror or str(error)).lower()}", 1) from error
    # Last: a directory that may not be written to, or whose time is to stay, is filled first.
    for path, member in reversed(directories):
        os.chmod(path, member.mode)
        os.utime(path, (member.mtime, member.mtime))


def _adopt(member: tarfile.TarInfo, rename: Rename) -> None:
    member.name = os.path.normpath(rename(member.name.rstrip("/")).lstrip("/"))
    if member.islnk():
        member.linkname = os.path.normpath(rename(member.linkname).lstrip("/"))
    member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""


def _make(archive: tarfile.TarFile, member: tarfile.TarInfo, root: str) -> bool:
    """Make one entry; whether it is a directory."""
    path = _inside(root, member.name, member)
    if member.islnk():
        _inside(root, member.linkname, member)
    there = os.path.lexists(path)
    if there and os.path.isdir(path) and not os.path.islink(path):
        if not member.isdir():
            raise CommandFailed(f'cannot overwrite directory "{path}" with non-directory "{root}"', 1)
        return True
    if there and member.isdir():
        if os.path.isdir(path):
            return True  # a link to one, inside: what is in it goes there
        raise CommandFailed(f'cannot overwrite non-directory "{path}" with directory "{root}"', 1)
    if there:
        os.unlink(path)  # and not written through: it may be a link
    if member.isdir():
        Path(path).mkdir(parents=True, mode=0o700)
        return True
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    archive.extract(member, root)
    return False


def _inside(root: str, name: str, member: tarfile.TarInfo) -> str:
    """The path of an entry, whose parents are resolved. Raises `CommandFailed` when that is elsewhere."""
    parent, base = os.path.split(name)
    resolved = os.path.realpath(os.path.join(root, parent))
    if base == ".." or os.path.commonpath([root, resolved]) != root:
        raise CommandFailed(f"{member.name}: the archive leads out of {root}; nothing is unpacked there", 1)
    return root if name == "." else os.path.join(resolved, base)


class _Reader(io.RawIOBase):
    """Pieces as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while size < 0 or have < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        data = b"".join(parts)
        taken = data if size < 0 else data[:size]
        self._rest = data[len(taken) :]
        return taken


def drained(pieces: Iterable[bytes], out: io.BufferedWriter) -> None:
    """Pass an archive on as it is."""
    shutil.copyfileobj(_Reader(iter(pieces)), out, 1 << 16)
