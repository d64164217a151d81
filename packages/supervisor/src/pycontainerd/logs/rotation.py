"""When a json-file log is large enough, and the names of the older ones: ``log``, ``log.1``, ``log.2``..."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@frozen
class Rotation:
    """``max_size`` in bytes (None: never rotate), ``max_files`` counts the current one."""

    max_size: int | None = None
    max_files: int = 1

    @staticmethod
    def of(options: Mapping[str, str]) -> Rotation:
        """From docker's ``max-size`` and ``max-file``. ValueError names what is wrong."""
        size = _parse_size(options["max-size"]) if "max-size" in options else None
        files = _parse_count(options.get("max-file", "1"))
        if files > 1 and size is None:
            raise ValueError("max-file needs max-size: without it the log is never rotated")
        return Rotation(size, files)

    def is_due(self, size: int) -> bool:
        """Whether a log of ``size`` bytes is to be put aside."""
        return self.max_size is not None and size >= self.max_size

    def rotate(self, log: Path) -> None:
        """Put ``log`` aside; the caller opens a new one."""
        if self.max_files == 1:
            log.unlink(missing_ok=True)
            return
        for number in range(self.max_files - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                numbered(log, number - 1).rename(numbered(log, number))


def numbered(log: Path, number: int) -> Path:
    """The file of the ``number``th rotation; 0 is the log itself."""
    return log if number == 0 else log.with_name(f"{log.name}.{number}")


def files(log: Path) -> list[Path]:
    """All files of a log that exist, oldest first."""
    found = [log]
    while numbered(log, len(found)).exists():
        found.append(numbered(log, len(found)))
    return found[::-1]


def _parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"max-size: expected a size like 10m, got {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"max-file: expected a number from 1 on, got {text!r}")
    return int(text)
