"""JSON to attrs classes and back, by the classes' own annotations.

A field's JSON name is its Python name in PascalCase (``cpu_shares`` is ``CpuShares``) unless :func:`wire` says another. Reading follows what
Go's decoder does for dockerd, because that is what clients were written against: names match whatever their case, unknown names are
ignored, ``null`` means the default. Unlike Go's, a wrong type is answered with the path of the field::

    HostConfig.Memory: expected an integer, got "1g"

Annotations understood: str, int, float, bool, datetime, Any, attrs classes, ``tuple[X, ...]``, ``Mapping[str, X]``, and ``X | None`` of them.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from pydockerd.errors import BadRequest

T = TypeVar("T")
Reader = Callable[[Any, str], Any]
Dumper = Callable[[Any], Any]


_MISFIT: Final = re.compile("[\0\ud800-\udfff]")
"""What JSON can say, and no file name, argument or database can hold: NUL, and half of a surrogate pair."""


class Words(tuple[str, ...]):
    """A command: an array of strings, or one string, which is an array of one."""

    __slots__ = ()


_PLAIN: Final = frozenset({str, int, float, bool, types.NoneType})
"""What is its own JSON form: most of what there is, in the lists of hundreds of containers."""

ZERO_TIME = "0001-01-01T00:00:00Z"
"""What Go prints for a time that is not set; clients look for exactly this."""


def wire(
    name: str | None = None,
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    omit_empty: bool = False,
    omit_none: bool = False,
) -> Any:
    """A field with a JSON name of its own, or left out of the output when it is empty or zero (``omit_empty``) or None (``omit_none``)."""
    metadata = {"name": name, "omitted": _empty if omit_empty else _absent if omit_none else None}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


def json_name(attribute: attrs.Attribute[Any]) -> str:
    """The name of a field in JSON."""
    named = attribute.metadata.get("name")
    return named if named else "".join(part[:1].upper() + part[1:] for part in attribute.name.split("_"))


def read(model: type[T], value: Any, path: str = "") -> T:
    """Build ``model`` from decoded JSON. Raises BadRequest naming the first field that does not fit."""
    if not isinstance(value, dict):
        raise _mismatch(path, "an object", value)
    fields = _readers(model)
    found: dict[str, Any] = {}
    for key, item in value.items():
        field = fields.get(key) or fields.get(key.lower())
        if field is not None and item is not None:
            name, reader = field
            found[name] = reader(item, f"{path}.{key}" if path else key)
    try:
        return model(**found)
    except TypeError:
        missing = [json_name(a) for a in attrs.fields(model) if a.default is attrs.NOTHING and a.name not in found]  # type: ignore[arg-type]
        if not missing:
            raise
        raise BadRequest(f"{path}.{missing[0]}: required".lstrip(".")) from None


def dump(value: Any) -> Any:
    """The JSON form of a model, or of anything built of models."""
    return _dumper(type(value))(value)


def _find_dumper(kind: type[Any]) -> Dumper:
    """How values of one class are written."""
    if issubclass(kind, str | int | float | bool | types.NoneType):
        return lambda value: value
    if attrs.has(kind):
        return _model_dumper(_find_names(kind))
    if issubclass(kind, Mapping):
        return lambda value: {str(key): item if type(item) in _PLAIN else dump(item) for key, item in value.items()}
    if issubclass(kind, tuple | list):
        return lambda value: [item if type(item) in _PLAIN else dump(item) for item in value]
    if issubclass(kind, datetime):
        return timestamp
    raise TypeError(f"no JSON form for {kind.__name__}")


def timestamp(moment: datetime | None) -> str:
    """RFC 3339 in UTC, as Go prints it; None is Go's zero time."""
    if moment is None:
        return ZERO_TIME
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


def _model_dumper(names: tuple[tuple[str, str, Callable[[Any], bool] | None], ...]) -> Dumper:
    def dumper(value: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, key, omitted in names:
            item = getattr(value, name)
            if omitted is None or not omitted(item):
                kind = type(item)
                result[key] = item if kind in _PLAIN else _dumper(kind)(item)
        return result

    return dumper


def _empty(item: Any) -> bool:
    return item is None or (not attrs.has(type(item)) and not item)


def _absent(item: Any) -> bool:
    return item is None


def _find_names(model: Any) -> tuple[tuple[str, str, Callable[[Any], bool] | None], ...]:
    return tuple((a.name, json_name(a), a.metadata.get("omitted")) for a in attrs.fields(model))


def _find_readers(model: Any) -> dict[str, tuple[str, Reader]]:
    hints = get_type_hints(model)
    readers: dict[str, tuple[str, Reader]] = {}
    for attribute in attrs.fields(model):
        entry = (attribute.alias or attribute.name, _reader(hints[attribute.name]))
        readers[json_name(attribute)] = entry
        readers[json_name(attribute).lower()] = entry
    return readers


def _reader(hint: Any) -> Reader:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _reader(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return _array(_reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _object(_reader(arguments[1]))
    if hint is Any:
        return lambda value, path: value
    if attrs.has(hint):
        return lambda value, path: read(hint, value, path)
    return _SCALARS[hint]


def _array(item: Reader) -> Reader:
    def reader(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _mismatch(path, "an array", value)
        return tuple(item(element, f"{path}[{index}]") for index, element in enumerate(value))

    return reader


def _object(item: Reader) -> Reader:
    def reader(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _mismatch(path, "an object", value)
        return {
            _text(key, f"{path}, a name"): item(element, f"{path}.{key}")
            for key, element in value.items()
            if element is not None
        }

    return reader


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _mismatch(path, "a string", value)
    if _MISFIT.search(value):
        raise _mismatch(path, "a string without NUL and half characters", value)
    return value


def _integer(value: Any, path: str) -> int:
    # 64 bits, as Go has them: a larger number is refused here and not by the kernel later
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise _mismatch(path, "an integer", value)
    return value


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(path, "a number", value)
    return float(value)


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(path, "true or false", value)
    return value


def _words(value: Any, path: str) -> Words:
    return Words((value,) if isinstance(value, str) else _array(_text)(value, path))


# mypy takes no class of unknown metaclass for hashable: the caches are typed by hand
_dumper: Final[Callable[[Any], Dumper]] = cache(_find_dumper)
_readers: Final[Callable[[Any], dict[str, tuple[str, Reader]]]] = cache(_find_readers)

_SCALARS: dict[Any, Reader] = {str: _text, int: _integer, float: _number, bool: _boolean, Words: _words}


def _mismatch(path: str, expected: str, value: Any) -> BadRequest:
    shown = json.dumps(value)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return BadRequest(f"invalid JSON: {path or 'body'}: expected {expected}, got {shown}")
