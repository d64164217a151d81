"""Files that are mounted into a container while it runs, for those who ask while it does not (docker cp): they are not in its own file system."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator

from attrs import frozen

from pycontainerd.containers.config import BindMount, TmpfsMount


@frozen
class Place:
    """A directory on the machine as a descriptor's path, and the path below it as if it were ``/``. ``read_only``: nothing is to be put there."""

    directory: str
    path: str
    read_only: bool


def place(mounts: Iterable[BindMount | TmpfsMount], path: str) -> Place | None:
    """Where a path of a stopped container leads by its own words, if that is into a bind mount; a symbolic link that leads there is not seen."""
    absolute = path if path.startswith("/") else f"/{path}"
    plain = posixpath.normpath(absolute).replace("//", "/")
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        target = posixpath.normpath(mount.target)
        if plain != target and not plain.startswith(f"{target}/"):
            continue
        if not isinstance(mount, BindMount):
            return None
        rest = absolute[len(target) :] if absolute.startswith(target) else plain[len(target) :]
        read_only = "ro" in mount.options
        if os.path.isdir(mount.source):
            return Place(mount.source, rest or "/", read_only)
        directory, name = os.path.split(mount.source)
        return Place(directory, f"/{name}{rest}", read_only)
    return None


@contextlib.contextmanager
def opened(found: Place) -> Iterator[int]:
    """The directory of a place. OSError."""
    fd = os.open(found.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
