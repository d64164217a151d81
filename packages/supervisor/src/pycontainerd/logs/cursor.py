"""A place in a log that may be rotated, and compressed, meanwhile."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from pycontainerd.logs.compressor import expand, identity, identity_of
from pycontainerd.logs.format import Format, Place
from pycontainerd.logs.rotation import files, is_compressed

BLOCK = 1 << 20
"""Bytes read at a time: few enough to hand on soon, enough that what a block costs does not count."""
_ATTEMPTS = 100


class Cursor:
    """Goes on in the file that came after the one it was in. A context manager: it holds the file open."""

    def __init__(self, log: Path, form: Format, path: Path | None, place: Place) -> None:
        self._log = log
        self._form = form
        self._fd = -1
        self._compressed: str | None = None
        self._offset = place.offset
        self.skip = place.skip
        """How many records of the next block are before the place."""
        if path is not None:
            self._fd, self._compressed = _open(path)

    @classmethod
    def at_tail(cls, log: Path, form: Format, tail: int | None) -> Cursor:
        """Before the last ``tail`` records. A rotation between looking for a file and opening it means looking again."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                return cls._at_tail(log, form, tail)
        return cls(log, form, None, Place(0))

    @classmethod
    def _at_tail(cls, log: Path, form: Format, tail: int | None) -> Cursor:
        found = [path for path in files(log) if path.exists()]
        if not found:
            return cls(log, form, None, Place(0))
        place = Place(0, missing=tail or 0)
        if tail is None:
            return cls(log, form, found[0], place)
        for path in reversed(found):
            place = _tail_in(path, form, place.missing)
            if place.missing == 0:
                return cls(log, form, path, place)
        return cls(log, form, found[0], Place(0))

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def next_block(self, limit: int | None) -> bytes:
        """The next entries, about a mebibyte of them; none when there are none yet. ``limit`` is where to stop in the current file."""
        if self._fd < 0 and not self._advance(self._log):
            return b""
        while True:
            size = BLOCK if limit is None or not self._is_current() else min(BLOCK, limit - self._offset)
            if size > 0 and (entries := self._entries(size)):
                self._offset += len(entries)
                return entries
            if self._is_current() or not self._next_file():
                return b""

    def _entries(self, size: int) -> bytes:
        """The complete entries from here on, about ``size`` bytes of them."""
        data = os.pread(self._fd, size, self._offset)
        while data and not (length := self._form.whole(data)):
            more = os.pread(self._fd, BLOCK, self._offset + len(data))
            if not more:
                return b""
            data += more
        return data[:length] if data else b""

    def _is_current(self) -> bool:
        try:
            return self._compressed is None and os.path.samestat(os.stat(self._log), os.fstat(self._fd))
        except FileNotFoundError:
            return True

    def _next_file(self) -> bool:
        """Go to the file after this one; the oldest that exists when this one is gone altogether."""
        mine = self._compressed or identity_of(os.fstat(self._fd))
        found = files(self._log)
        for path, following in zip(found, [*found[1:], None], strict=True):
            with contextlib.suppress(FileNotFoundError):
                if identity(path) == mine:
                    return following is not None and self._advance(following)
        return self._advance(found[0])

    def _advance(self, path: Path) -> bool:
        try:
            fd, compressed = _open(path)
        except FileNotFoundError:
            return False
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._compressed, self._offset = fd, compressed, 0
        return True


def _open(path: Path) -> tuple[int, str | None]:
    """A descriptor to read it from; of a compressed one that of an unnamed copy, and its identity."""
    if not is_compressed(path):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC), None
    with tempfile.TemporaryFile(dir=path.parent) as plain:
        known = expand(path, plain)
        plain.flush()
        return os.dup(plain.fileno()), known


def _tail_in(path: Path, form: Format, count: int) -> Place:
    fd, _ = _open(path)
    try:
        return form.tail(fd, os.fstat(fd).st_size, count)
    finally:
        os.close(fd)
