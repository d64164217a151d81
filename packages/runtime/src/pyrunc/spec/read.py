"""Readers: functions that turn one JSON value into the value of one field, or raise SpecError naming the place and the rule.

Written here rather than taken from cattrs: importing cattrs alone costs more than a whole container does, and its errors
would have to be translated to paths anyway. A Reader takes the value and its path; the constants in capitals are the
``metadata`` of a field, as in ``limit: int | None = field(default=None, metadata=INT64)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pyrunc.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Reader = Callable[[object, str], Any]
    Metadata = Mapping[str, Any]

_SHOWN = 60


def found(value: object) -> str:
    """The value as JSON for an error message, shortened."""
    import json

    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def expected(what: str, value: object, path: str) -> SpecError:
    """``path: expected <what>, got <value>``."""
    return SpecError(path, f"expected {what}, got {found(value)}", value)


def read_string(value: object, path: str) -> str:
    """A string without NUL: the kernel's strings end there, so the rest would be silently lost."""
    if not isinstance(value, str):
        raise expected("a string", value, path)
    if "\0" in value:
        raise expected("a string without NUL", value, path)
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise expected("a string of valid Unicode", value, path) from None
    return value


def read_boolean(value: object, path: str) -> bool:
    """``true`` or ``false``; 0 and 1 are not."""
    if not isinstance(value, bool):
        raise expected("true or false", value, path)
    return value


def read_strings(value: object, path: str) -> tuple[str, ...]:
    """An array of strings."""
    items = array(value, path)
    if _plain_strings(items):
        return tuple(items)  # type: ignore[arg-type]  # just checked
    return tuple([read_string(item, f"{path}[{index}]") for index, item in enumerate(items)])


def _plain_strings(items: Iterable[object]) -> bool:
    """Whether no further look is needed. A filter has hundreds of names: they are looked at all together, and one by one only after that."""
    try:
        text = "".join(items)  # type: ignore[arg-type]  # tells by a TypeError
    except TypeError:
        return False
    return text.isascii() and "\0" not in text


def read_string_map(value: object, path: str) -> Mapping[str, str]:
    """An object whose values are strings."""
    return {key: read_string(item, f"{path}.{key}") for key, item in mapping(value, path).items()}


def array(value: object, path: str) -> list[object] | tuple[object, ...]:
    """The value, when it is an array."""
    if not isinstance(value, list | tuple):
        raise expected("an array", value, path)
    return value


def mapping(value: object, path: str) -> Mapping[str, object]:
    """The value, when it is an object."""
    if not isinstance(value, dict | Mapping):  # dict first: to ask an abstract class takes longer
        raise expected("an object", value, path)
    if not _plain_strings(value):
        for key in value:
            read_string(key, path)
    return value


def integer(least: int, most: int) -> Reader:
    """A reader of integers from ``least`` to ``most``. Floats are refused, also whole ones: Go's decoder refuses them too."""

    def read_integer(value: object, path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise expected("an integer", value, path)
        if not least <= value <= most:
            raise expected(f"an integer from {least} to {most}", value, path)
        return value

    return read_integer


def one_of(*words: str) -> Reader:
    """A reader of one of ``words``."""

    def read_word(value: object, path: str) -> str:
        if value not in words or not isinstance(value, str):
            raise expected("one of " + ", ".join(words), value, path)
        return value

    return read_word


def each(reader: Reader) -> Reader:
    """A reader of arrays whose items ``reader`` reads."""

    def read_array(value: object, path: str) -> tuple[Any, ...]:
        return tuple([reader(item, f"{path}[{index}]") for index, item in enumerate(array(value, path))])

    return read_array


def each_value(reader: Reader) -> Reader:
    """A reader of objects whose values ``reader`` reads."""

    def read_map(value: object, path: str) -> Mapping[str, Any]:
        return {key: reader(item, f"{path}.{key}") for key, item in mapping(value, path).items()}

    return read_map


def of(reader: Reader, name: str = "") -> Metadata:
    """Metadata of a field that ``reader`` reads; ``name`` is its JSON name where that is not its own name in camelCase."""
    return {"read": reader, "json": name} if name else {"read": reader}


def named(name: str, metadata: Metadata) -> Metadata:
    """The same metadata with a JSON name of its own."""
    return {**metadata, "json": name}


read_int64 = integer(-(2**63), 2**63 - 1)
read_uint64 = integer(0, 2**64 - 1)
read_uint32 = integer(0, 2**32 - 1)

STRING = of(read_string)
STRINGS = of(read_strings)
STRING_MAP = of(read_string_map)
BOOLEAN = of(read_boolean)
INT32 = of(integer(-(2**31), 2**31 - 1))
INT64 = of(read_int64)
UINT16 = of(integer(0, 2**16 - 1))
UINT32 = of(read_uint32)
UINT32S = of(each(read_uint32))
UINT64 = of(read_uint64)
