"""``--env``, ``--env-file``, ``--label`` and ``--label-file``: lists of NAME=value from the command line and from files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyctl.errors import InvalidValue


def collect(files: Iterable[str], given: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Files first, then flags, so that a flag wins. A name without a value takes it from ``environ``, or stays away.

    Raises `InvalidValue` for a file that cannot be read, and for a line or flag without a name.
    """
    lines = [line for file in files for line in read_lines(file)]
    flags = [_named(text) for text in given]
    return [entry for text in [*lines, *flags] for entry in _resolve(text, environ)]


def read_lines(file: str) -> Iterator[str]:
    """Yield the entries of a file: without leading blanks, comments and empty lines. Raises `InvalidValue`."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InvalidValue(f"open {file}: {(error.strerror or '').lower()}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise InvalidValue(f"invalid env file ({file}): invalid utf8 bytes at line {number}") from None
    for line in text.splitlines():
        entry = line.lstrip()
        if entry and not entry.startswith("#"):
            yield _checked(entry, file)


def _checked(entry: str, file: str) -> str:
    name = entry.partition("=")[0]
    if not name:
        raise InvalidValue(f"invalid env file ({file}): no variable name on line '{entry}'")
    if any(letter.isspace() for letter in name):
        raise InvalidValue(f"invalid env file ({file}): variable '{name}' contains whitespaces")
    return entry


def _named(text: str) -> str:
    if not text.partition("=")[0]:
        raise InvalidValue(f'invalid argument "{text}" for "-e, --env" flag: invalid environment variable: {text}')
    return text


def _resolve(text: str, environ: Mapping[str, str]) -> list[str]:
    if "=" in text:
        return [text]
    return [f"{text}={environ[text]}"] if text in environ else []
