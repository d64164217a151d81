"""A file or directory of this machine as pieces of a tar, without holding more of it than one piece."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Final

from pyctl.app.copying.paths import Place, Rename, clean, followed, split
from pyctl.errors import InvalidUsage

_PIECE: Final = 1 << 20
_CAPABILITY: Final = "security.capability"


def source(path: str, *, follow: bool) -> Place:
    """What is at a path; a link at its end is only followed if asked to. Raises `InvalidUsage` when there is nothing."""
    wanted = clean(os.path.abspath(path) + _end(path))
    try:
        found = _followed(wanted) if follow else _kept(wanted)
        kind = os.stat(found.path) if found.path.endswith(("/", "/.")) else os.lstat(found.path)
    except OSError as error:
        raise InvalidUsage(f"lstat {wanted}: {(error.strerror or '').lower()}") from None
    is_directory = stat.S_ISDIR(kind.st_mode)
    if not is_directory and found.path.endswith(("/", "/.")):
        raise InvalidUsage(f"lstat {wanted}: not a directory")
    return Place(found.path, exists=True, is_directory=is_directory, asked=found.asked)


def _end(path: str) -> str:
    if path == "." or path.endswith("/."):
        return "/."
    return "/" if path.endswith("/") else ""


def _followed(path: str) -> Place:
    target, asked = followed(path, os.path.realpath(path, strict=True))
    return Place(target, asked=asked)


def _kept(path: str) -> Place:
    """A link at the end stays one; with a ``/`` after it, it is the directory that it leads to, by the link's name."""
    directory, name = os.path.split(path)
    resolved = os.path.join(os.path.realpath(directory, strict=True), name)
    asked = os.path.basename(directory)
    return Place(resolved, asked=asked if path.endswith("/") and asked != os.path.basename(resolved[:-1]) else "")


def packed(place: Place, rename: Rename) -> Iterator[bytes]:
    """The archive. Names begin with the last part of the place's path, and are then renamed. Raises `InvalidUsage`."""
    directory, name = split(place.path)
    given = place.asked or name
    # Only for what it knows of hard links; nothing is written to it.
    with tarfile.open(fileobj=io.BytesIO(), mode="w", format=tarfile.PAX_FORMAT) as links:
        for path, relative in _walk(os.path.join(directory, name) if name != "/" else "/"):
            entry = f"{given}/{relative}" if relative else given
            yield from _entry(links, path, rename(entry), rename)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _walk(top: str) -> Iterator[tuple[str, str]]:
    """Paths and what they are below the top; a directory before what is in it."""
    stack = [""]
    while stack:
        relative = stack.pop()
        path = os.path.join(top, relative) if relative else top
        yield path, relative
        if os.path.isdir(path) and (not os.path.islink(path) or path.endswith("/.")):
            names = sorted(os.listdir(path), reverse=True)
            stack += [f"{relative}/{name}" if relative else name for name in names]


def _entry(links: tarfile.TarFile, path: str, name: str, rename: Rename) -> Iterator[bytes]:
    try:
        with ExitStack() as stack:
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                return  # nothing that an archive can hold
            header = links.gettarinfo(path, name)
            if header.islnk():
                header.linkname = rename(header.linkname)
            with suppress(OSError):
                value = os.getxattr(path, _CAPABILITY, follow_symlinks=False)
                header.pax_headers = {f"SCHILY.xattr.{_CAPABILITY}": value.decode("utf-8", "surrogateescape")}
            # Opened before its header is sent: what may not be read breaks nothing off.
            file = stack.enter_context(open(path, "rb")) if header.isreg() else None
            yield header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            if file is not None:
                yield from _contents(file, header.size, path)
    except OSError as error:
        raise InvalidUsage(f"open {path}: {(error.strerror or str(error)).lower()}") from error


def _contents(file: io.BufferedReader, size: int, path: str) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(_PIECE, left))
        if not piece:
            raise InvalidUsage(f"{path}: became shorter while it was copied")
        left -= len(piece)
        yield piece
    if rest := size % tarfile.BLOCKSIZE:
        yield bytes(tarfile.BLOCKSIZE - rest)
