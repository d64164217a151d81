"""A directory tree that nothing written into it can leave.

Names are walked one component at a time from a descriptor of the root, without following symlinks: a layer whose entry has a symlink (or a
file) as a parent replaces nothing outside, it is refused. ``..`` is refused as well. No path is resolved twice.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from types import TracebackType

from pycontainerd.errors import LayerError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def components(name: str) -> tuple[str, ...]:
    """The parts of an entry's name below the root: ``./a//b/`` is (a, b). LayerError for ``..``, NUL, and names that no file system has."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    for part in parts:
        if part == ".." or "\0" in part:
            raise LayerError(name, "leaves the layer's root")
        if len(os.fsencode(part)) > 255:
            raise LayerError(name, "a part of its name is longer than 255 bytes")
    return parts


class Confined:
    """The tree below ``root``, with the descriptor of the directory used last kept open, as archives are sorted by directory.

    ``below`` are the directories of the layers underneath, nearest first: a directory that is made because an entry needs it is like
    the one of the same name there, which it will cover.
    """

    def __init__(self, root: str, below: Sequence[str] = ()) -> None:
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            self._root = _open(root, opened)
            self._below = [_open(directory, opened) for directory in below]
            self._stack = opened.pop_all()
        self._last: tuple[tuple[str, ...], int] | None = None

    def __enter__(self) -> Confined:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()
        self._stack.close()

    def forget(self) -> None:
        """Close the kept descriptor: its directory may have been replaced."""
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def directory(self, parts: tuple[str, ...], name: str, *, make: bool = True) -> int:
        """A descriptor of the directory ``parts``, valid until the next call; missing ones are made."""
        if not parts:
            return self._root
        if self._last is None or self._last[0] != parts:
            found = self._walk(parts, name, make)
            self.forget()
            self._last = (parts, found)
        return self._last[1]

    def _walk(self, parts: tuple[str, ...], name: str, make: bool) -> int:
        current = os.dup(self._root)
        for depth, part in enumerate(parts):
            try:
                following = self._enter(current, parts[: depth + 1], make)
            except NotADirectoryError:
                raise LayerError(name, f"{part!r} in its path is not a directory") from None
            except OSError as error:
                raise LayerError(name, f"{part!r} in its path: {error.strerror}") from None
            finally:
                os.close(current)
            current = following
        return current

    def _enter(self, directory: int, parts: tuple[str, ...], make: bool) -> int:
        try:
            return os.open(parts[-1], _DIRECTORY, dir_fd=directory)
        except FileNotFoundError:
            if not make:
                raise
            os.mkdir(parts[-1], 0o755, dir_fd=directory)
            made = os.open(parts[-1], _DIRECTORY, dir_fd=directory)
        if (like := self._covered(parts)) is not None:
            os.fchown(made, like.st_uid, like.st_gid)
            os.fchmod(made, stat.S_IMODE(like.st_mode))
        return made

    def _covered(self, parts: tuple[str, ...]) -> os.stat_result | None:
        """The directory ``parts`` as it is seen in the layers underneath."""
        for root in self._below:
            with contextlib.ExitStack() as opened:
                current = root
                try:
                    for part in parts:
                        current = os.open(part, _DIRECTORY, dir_fd=current)
                        opened.callback(os.close, current)
                    return os.fstat(current)
                except FileNotFoundError:
                    continue
                except OSError:
                    return None  # something else covers it there
        return None


def _open(path: str, opened: contextlib.ExitStack) -> int:
    descriptor = os.open(path, _DIRECTORY)
    opened.callback(os.close, descriptor)
    return descriptor
