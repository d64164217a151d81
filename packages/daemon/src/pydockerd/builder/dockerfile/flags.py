"""The flags of instructions: which there are, what they take, and what is wrong with one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from pydockerd.builder.dockerfile.instructions import RunMount
from pydockerd.builder.dockerfile.source import Source, Text
from pydockerd.builder.dockerfile.statements import Statement

_TRUE: Final = frozenset({"", "true", "1", "t", "T", "TRUE", "True"})
_FALSE: Final = frozenset({"false", "0", "f", "F", "FALSE", "False"})

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "FROM": frozenset({"platform"}),
    "RUN": frozenset({"mount", "network", "security", "device"}),
    "COPY": frozenset({"from", "chown", "chmod", "link", "parents", "exclude"}),
    "ADD": frozenset({"chown", "chmod", "link", "exclude", "checksum", "keep-git-dir", "unpack"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
}
_REPEATABLE: Final = frozenset({"mount", "exclude"})

MOUNT_TYPES: Final = ("bind", "cache", "tmpfs", "secret", "ssh")
_ANY: Final = frozenset({"type", "target", "dst", "destination"})
_READ_ONLY: Final = frozenset({"readonly", "ro", "readwrite", "rw"})
_OWNED: Final = frozenset({"id", "mode", "uid", "gid"})
_MOUNT_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "bind": _ANY | _READ_ONLY | {"from", "source", "src"},
    "cache": _ANY | _READ_ONLY | _OWNED | {"sharing", "from", "source", "src"},
    "tmpfs": _ANY | {"size"},
    "secret": _ANY | _OWNED | {"required", "env"},
    "ssh": _ANY | _OWNED | {"required"},
}
_NEED_TARGET: Final = frozenset({"bind", "cache", "tmpfs"})

_DURATION = re.compile(r"(?:(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))")
_UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@frozen
class Flag:
    """``value`` is None where there was no ``=``."""

    word: Text
    value: Text | None


@define
class Flags:
    """Those of one statement, by name. DockerfileError for one that its instruction has not, or that is given twice."""

    statement: Statement
    source: Source
    _found: dict[str, list[Flag]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        known = KNOWN.get(self.statement.name, frozenset())
        for word in self.statement.flags:
            name, equals, _ = word.text[2:].partition("=")
            if name not in known:
                raise self.source.error(word, f"unknown flag: --{name}{_did_you_mean(name, known)}")
            flag = Flag(word, word.part(len(name) + 3) if equals else None)
            if name in self._found and name not in _REPEATABLE:
                raise self.source.error(word, f"duplicate flag specified: --{name}")
            self._found.setdefault(name, []).append(flag)

    def text(self, name: str) -> Text | None:
        """The value of a flag, None if it is not given. DockerfileError without a value."""
        values = self.texts(name)
        return values[0] if values else None

    def texts(self, name: str) -> tuple[Text, ...]:
        """All its values."""
        return tuple(self._value(name, flag) for flag in self._found.get(name, ()))

    def plain(self, name: str, default: str = "") -> str:
        """As text."""
        found = self.text(name)
        return default if found is None else found.text

    def boolean(self, name: str) -> bool | None:
        """None if it is not given; without a value it is true."""
        for flag in self._found.get(name, ()):
            said = "" if flag.value is None else flag.value.text
            if said in _TRUE and (said or flag.value is None):
                return True
            if said in _FALSE:
                return False
            raise self.source.error(flag.value or flag.word, f"expecting boolean value for flag {name}, not: {said}")
        return None

    def duration(self, name: str) -> int:
        """Nanoseconds; 0 if it is not given."""
        found = self.text(name)
        if found is None:
            return 0
        try:
            value = duration(found.text)
        except ValueError:
            raise self.source.error(found, f"invalid duration {found.text!r}: expected one such as 1m30s") from None
        if 0 < value < 10**6:
            raise self.source.error(found, f"interval {found.text!r} cannot be less than 1ms")
        return value

    def integer(self, name: str) -> int:
        """Not negative; 0 if it is not given."""
        found = self.text(name)
        if found is None:
            return 0
        if not re.fullmatch(r"[0-9]{1,9}", found.text):
            raise self.source.error(found, f"--{name} must be a number that is not negative, got {found.text!r}")
        return int(found.text)

    def mounts(self) -> tuple[RunMount, ...]:
        """Those of RUN."""
        return tuple(_mount(value, self.source) for value in self.texts("mount"))

    def _value(self, name: str, flag: Flag) -> Text:
        if flag.value is None:
            raise self.source.error(flag.word, f"missing a value on flag: --{name}")
        return flag.value


def duration(text: str) -> int:
    """Go's form, in nanoseconds. ValueError."""
    if text == "0":
        return 0
    found = _DURATION.findall(text)
    if not found or "".join(number + unit for number, unit in found) != text or len(text) > 40:
        raise ValueError(text)
    total = round(sum(float(number) * _UNITS[unit] for number, unit in found))
    if total >= 1 << 63:
        raise ValueError(text)
    return total


def _mount(value: Text, source: Source) -> RunMount:
    """``type=bind,source=a,target=b``: fields by commas, each may be quoted as in CSV."""
    options = list[tuple[str, Text]]()
    kind = "bind"
    for part in _fields(value, source):
        name, equals, _ = part.text.partition("=")
        name = name.lower()
        if not equals and name not in _READ_ONLY | {"required"}:
            raise source.error(part, f"invalid field {part.text!r}: must be a key=value pair")
        said = part.part(len(name) + 1) if equals else Text("true", part.marks[:1])
        if name == "type":
            kind = said.text
            if kind not in MOUNT_TYPES:
                raise source.error(said, f"unsupported mount type {kind!r}: expected one of {', '.join(MOUNT_TYPES)}")
        else:
            options.append((name, said))
    for name, said in options:
        if name not in _MOUNT_OPTIONS[kind]:
            raise source.error(said, f"unexpected key {name!r} for mount type {kind!r}")
    if kind in _NEED_TARGET and not any(name in _ANY for name, _ in options):
        raise source.error(value, f"a mount of type {kind} needs a target")
    return RunMount(type=kind, options=tuple(options), where=value)


def _fields(value: Text, source: Source) -> Iterable[Text]:
    """With their places, where nothing is quoted; fields that are have that of the whole."""
    if '"' not in value.text:
        at = 0
        for field_ in value.text.split(","):
            yield value.part(at, at + len(field_)).stripped()
            at += len(field_) + 1
        return
    try:
        found = next(csv.reader([value.text], strict=True), [])
    except csv.Error as error:
        raise source.error(value, f"invalid mount: {error}") from None
    for field_ in found:
        yield Text(field_, value.marks[:1])


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
