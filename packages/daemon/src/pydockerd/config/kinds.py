"""What an option may hold, and how it is read: from the texts of a flag, and from the JSON of ``daemon.json``.

Each kind reads both into the same value, and refuses with :class:`~pydockerd.errors.ConfigError`, whose text begins with the name that the option has
where it was said::

    --default-shm-size: invalid size: 'much'
    default-shm-size: invalid size: 'much'
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from pydockerd.errors import ConfigError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Check: TypeAlias = Callable[[str], str]
"""Gives back a text as it is to be kept; raises ValueError in words for one that is wrong."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_SIZE: Final = re.compile(r"(?i)([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)(?:ib|b)?")
_UNITS: Final = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}


class Kind(Protocol[T_co]):
    """How one option is read. ``repeats``: its flag may be said several times; ``bare``: and without a value."""

    @property
    def repeats(self) -> bool: ...

    @property
    def bare(self) -> bool: ...

    def from_flag(self, texts: Sequence[str], name: str) -> T_co:
        """All that was said with the flag, in order."""

    def from_json(self, value: Any, name: str) -> T_co:
        """A decoded value of the file."""


@frozen
class Text:
    """A word or a path; ``check`` says which."""

    check: Check = str
    repeats: bool = field(default=False, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> str:
        return _checked(self.check, texts[-1], name)

    def from_json(self, value: Any, name: str) -> str:
        return _checked(self.check, string(value, name), name)


@frozen
class Parsed(Generic[T]):
    """A text that becomes something else: a path, an address, a size. An empty one is None."""

    parse: Callable[[str], T]
    repeats: bool = field(default=False, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> T | None:
        return _parsed(self.parse, texts[-1], name) if texts[-1] else None

    def from_json(self, value: Any, name: str) -> T | None:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # a number is a size, too
        text = string(value, name)
        return _parsed(self.parse, text, name) if text else None


@frozen
class Boolean:
    """True by its flag alone, as in ``--tls``; ``--tls=false`` is the other."""

    repeats: bool = field(default=False, init=False)
    bare: bool = field(default=True, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> bool:
        text = texts[-1]
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ConfigError(f"{name}: expected true or false, got {text!r}")

    def from_json(self, value: Any, name: str) -> bool:
        if not isinstance(value, bool):
            raise mismatch(name, "true or false", value)
        return value


@frozen
class Always(Boolean):
    """What cannot be otherwise here: ``value`` may be said, the opposite is refused, and ``why`` says why."""

    value: bool = True
    why: str = ""

    def from_flag(self, texts: Sequence[str], name: str) -> bool:
        return self._only(super().from_flag(texts, name), name)

    def from_json(self, value: Any, name: str) -> bool:
        return self._only(super().from_json(value, name), name)

    def _only(self, value: bool, name: str) -> bool:
        if value is not self.value:
            raise ConfigError(f"{name}: it cannot be {json.dumps(value)}: {self.why}")
        return value


@frozen
class Integer:
    """A whole number, not below ``least``."""

    least: int
    repeats: bool = field(default=False, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> int:
        try:
            return self._bounded(int(texts[-1]), name)
        except ValueError:
            raise ConfigError(f"{name}: expected a whole number, got {texts[-1]!r}") from None

    def from_json(self, value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise mismatch(name, "a whole number", value)
        return self._bounded(value, name)

    def _bounded(self, value: int, name: str) -> int:
        if not self.least <= value < 1 << 31:
            raise ConfigError(f"{name}: invalid value {value}: the least is {self.least}")
        return value


@frozen
class Several(Generic[T]):
    """A list. Its flag is repeated, once for each; where dockerd takes one flag for several, they are divided by commas (``commas``)."""

    parse: Callable[[str], T]
    commas: bool = False
    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> tuple[T, ...]:
        words = [word for text in texts for word in text.split(",")] if self.commas else texts
        return tuple(_parsed(self.parse, word, name) for word in words)

    def from_json(self, value: Any, name: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise mismatch(name, "an array of strings", value)
        items = [(string(item, f"{name}[{index}]"), f"{name}[{index}]") for index, item in enumerate(value)]
        return tuple(_parsed(self.parse, text, place) for text, place in items)


@frozen
class Pairs:
    """Names and values: ``--log-opt max-size=10m``, and an object of strings."""

    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> Mapping[str, str]:
        return dict(_pair(text, name) for text in texts)

    def from_json(self, value: Any, name: str) -> Mapping[str, str]:
        return {key: string(item, f"{name}.{key}") for key, item in mapping(value, name).items()}


@frozen
class Switches:
    """Names that are on or off: ``--feature cdi=false``, and an object of true and false."""

    known: Callable[[str, bool], None]
    """Raises ValueError for a name that there is not, or that cannot be so."""
    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> Mapping[str, bool]:
        said = {}
        for text in texts:
            key, equals, value = text.partition("=")
            said[key] = Boolean().from_flag([value if equals else "true"], f"{name} {key}")
        return self._checked(said, name)

    def from_json(self, value: Any, name: str) -> Mapping[str, bool]:
        said = {key: Boolean().from_json(item, f"{name}.{key}") for key, item in mapping(value, name).items()}
        return self._checked(said, name)

    def _checked(self, said: Mapping[str, bool], name: str) -> Mapping[str, bool]:
        for key, value in said.items():
            try:
                self.known(key, value)
            except ValueError as error:
                raise ConfigError(f"{name}: {key}: {error}") from None
        return said


@frozen
class Nothing:
    """What dockerd knows and this daemon does not: any value is refused, and ``why`` says why."""

    why: str
    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=True, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> None:
        raise ConfigError(f"{name}: it is not supported by pydockerd: {self.why}")

    def from_json(self, value: Any, name: str) -> None:
        raise ConfigError(f"{name}: it is not supported by pydockerd: {self.why}")


def one_of(*words: str) -> Check:
    """A check for one of these words."""

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text

    return check


def absolute(text: str) -> Path:
    """A path of the file system; a relative one is below the daemon's working directory."""
    if "\0" in text:
        raise ValueError("a path has no NUL in it")
    return Path(text).absolute()


def size(text: str) -> int:
    """Bytes, with docker's suffixes: ``64m`` is 64 MiB."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"invalid size: {text!r}")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def _checked(check: Check, text: str, name: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _parsed(parse: Callable[[str], T], text: str, name: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _pair(text: str, name: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ConfigError(f"{name}: expected NAME=VALUE, got {text!r}")
    return key, value


def string(value: Any, name: str) -> str:
    """A decoded string; ConfigError for anything else."""
    if not isinstance(value, str):
        raise mismatch(name, "a string", value)
    return value


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """A decoded object; ConfigError for anything else."""
    if not isinstance(value, dict):
        raise mismatch(name, "an object", value)
    return value


def mismatch(name: str, expected: str, value: Any) -> ConfigError:
    """The error for a value of the wrong type."""
    shown = json.dumps(value)
    return ConfigError(f"{name}: expected {expected}, got {shown if len(shown) <= 60 else shown[:57] + '...'}")
