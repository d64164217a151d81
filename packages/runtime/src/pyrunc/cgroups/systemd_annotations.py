"""Annotations ``org.systemd.property.NAME``: properties of the unit in the text form of variants, which runc's callers set (podman: KillSignal)."""

from __future__ import annotations

import json
import re

from pyrunc.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyrunc.cgroups.systemd_properties import Property

PREFIX = "org.systemd.property."
_NAME = re.compile(r"[A-Za-z]{3,}")
_INTEGER = re.compile(r"(?:(byte|int16|uint16|int32|uint32|int64|uint64) )?(-?\d+)")
_STRING = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_CODES = {"byte": "y", "int16": "n", "uint16": "q", "int32": "i", "uint32": "u", "int64": "x", "uint64": "t", None: "i"}


def properties(annotations: Mapping[str, str]) -> Iterator[Property]:
    """Raises SpecError naming the annotation. A name that ends in ``Sec`` takes seconds and becomes the property in microseconds, ``USec``."""
    for key, text in annotations.items():
        name = key.removeprefix(PREFIX)
        if not key.startswith(PREFIX):
            continue
        path = f"annotations.{key}"
        if not _NAME.fullmatch(name):
            raise SpecError(path, f'"{name}" is not the name of a property of systemd', text)
        value = variant(text, path)
        if name.endswith("Sec") and not name.endswith("USec"):
            if not isinstance(value[1], int) or isinstance(value[1], bool) or value[1] < 0:
                raise SpecError(path, f"expected a number of seconds, got {json.dumps(text)}", text)
            name, value = f"{name.removesuffix('Sec')}USec", ("t", value[1] * 1_000_000)
        yield name, value


def variant(text: str, path: str) -> tuple[str, object]:
    """Booleans, integers, strings, and arrays of strings (GVariant Text Format); those are what properties of units are."""
    word = text.strip()
    if word in ("true", "false"):
        return "b", word == "true"
    if found := _INTEGER.fullmatch(word):
        return _CODES[found[1]], int(found[2])
    if found := _STRING.fullmatch(word):
        return "s", found[1] or found[2] or ""
    if word.startswith("[") and word.endswith("]"):
        items = [_STRING.fullmatch(item.strip()) for item in word[1:-1].split(",")]
        if all(items):
            return "as", [item[1] or item[2] or "" for item in items if item is not None]
    raise SpecError(
        path, f"expected a boolean, an integer, a string in quotes or an array of those, got {json.dumps(text)}", text
    )
