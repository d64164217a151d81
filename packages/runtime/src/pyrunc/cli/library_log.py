"""From the library's ``logging`` records to the command's own log."""

from __future__ import annotations

import logging
from collections.abc import Callable


class _Forward(logging.Handler):
    def __init__(self, write: Callable[[str, str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Under logrus's names of levels, which are those of Python in small letters."""
        self._write(record.levelname.lower(), record.getMessage())


def attach(write: Callable[[str, str], None], *, debugging: bool) -> None:
    """Give what ``pyrunc`` logs to ``write``, as level and message: warnings, and when ``debugging`` everything."""
    logger = logging.getLogger("pyrunc")
    logger.setLevel(logging.DEBUG if debugging else logging.WARNING)
    logger.addHandler(_Forward(write))
    logger.propagate = False
