"""How much has been copied, in one line on standard error that is written over; nothing where nobody looks at it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, Self

from pyctl.app.format.units import decimal_size

_EVERY: Final = 0.1  # seconds
_CLEAR: Final = "\r\x1b[2K"


class Meter:
    """A context manager; what passes through `counted` is counted, and the line is gone at the end."""

    def __init__(self, title: str, *, shown: bool) -> None:
        self.shown = shown
        """Whether the user wants to know, also at the end."""
        self.count = 0
        """Bytes so far."""
        self._title = title
        self._line = shown and sys.stderr.isatty()
        self._next = 0.0

    def counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the pieces on."""
        for piece in pieces:
            self.count += len(piece)
            self._show()
            yield piece

    def _show(self) -> None:
        if self._line and (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            sys.stderr.write(f"{_CLEAR}{self._title} - {decimal_size(self.count, 3)}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line and self._next:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
