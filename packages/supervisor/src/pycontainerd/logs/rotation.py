"""When a log is large enough, and the names of the older files: ``log``, ``log.1``, ``log.2``... or, compressed, ``log.1.gz``..."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


@frozen
class Rotation:
    """``max_size`` in bytes (None: never rotate), ``max_files`` counts the current one, ``compress`` is for the older ones."""

    max_size: int | None = None
    max_files: int = 1
    compress: bool = False

    @staticmethod
    def of(options: Mapping[str, str]) -> Rotation:
        """From docker's ``max-size``, ``max-file`` and ``compress``. ValueError names what is wrong."""
        size = parse_size("max-size", options["max-size"]) if options.get("max-size", "-1") != "-1" else None
        files = _parse_count(options.get("max-file", "1"))
        compress = _parse_boolean(options.get("compress", "false"))
        if files > 1 and size is None:
            raise ValueError("max-file needs max-size: without it the log is never rotated")
        if compress and (files < 2 or size is None):
            raise ValueError("compress cannot be true when max-file is less than 2 or max-size is not set")
        return Rotation(size, files, compress)

    def is_due(self, size: int) -> bool:
        """Whether a log of ``size`` bytes is to be put aside."""
        return self.max_size is not None and size >= self.max_size

    def rotate(self, log: Path) -> None:
        """Put ``log`` aside; the caller opens a new one."""
        if self.max_files == 1:
            log.unlink(missing_ok=True)
            return
        for number in range(self.max_files - 1, 0, -1):
            for form in (numbered, compressed):
                form(log, number).unlink(missing_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    form(log, number - 1).rename(form(log, number))


def numbered(log: Path, number: int) -> Path:
    """The file of the ``number``th rotation; 0 is the log itself."""
    return log if number == 0 else log.with_name(f"{log.name}.{number}")


def compressed(log: Path, number: int) -> Path:
    """The same file, compressed. The log itself never is."""
    return log.with_name(f"{log.name}.{number}.gz")


def files(log: Path) -> list[Path]:
    """All files of a log that exist, oldest first; one that is just being compressed shows as it is."""
    found = [log]
    while (following := _either(log, len(found))) is not None:
        found.append(following)
    return found[::-1]


def is_compressed(path: Path) -> bool:
    """Whether it is one of the compressed files."""
    return path.suffix == ".gz"


def _either(log: Path, number: int) -> Path | None:
    return next((path for path in (numbered(log, number), compressed(log, number)) if path.exists()), None)


def parse_size(option: str, text: str) -> int:
    """docker's sizes, ``10m``, in powers of 1024. ValueError names the option."""
    match = re.fullmatch(r"(\d+)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{option}: expected a size like 10m, got {text!r}")
    return int(match[1]) * _UNITS[match[2]]


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"max-file: expected a number from 1 on, got {text!r}")
    return int(text)


def _parse_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f"compress: expected true or false, got {text!r}")
    return _BOOLEANS[text.lower()]
