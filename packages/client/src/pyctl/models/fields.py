"""How a model is declared: each attribute names its JSON key and how its value is read.

    @attrs.frozen
    class Actor:
        id: str = api("ID", text)
        attributes: dict[str, str] = api("Attributes", texts_by_name)

`decode` builds such a class from a JSON object. A key that is missing or null gets the empty value of its kind, as in Go,
whose zero values the daemons leave out; a value of the wrong type is an error that names its path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import attrs

from pyctl.errors import MalformedAnswer

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A JSON document."""
JsonObject = dict[str, Json]

T = TypeVar("T")


@attrs.frozen
class Kind(Generic[T]):
    """How one kind of value is read: its empty value, and the conversion of a value found at a path."""

    empty: Callable[[], T]
    read: Callable[[Json, str], T]


def _expect(wanted: str, value: object, where: str) -> MalformedAnswer:
    return MalformedAnswer(f"{where}: expected {wanted}, got {value!r:.80}")


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise _expect("a string", value, where)
    return value


def _integer(value: Json, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _expect("an integer", value, where)
    return value


def _flag(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise _expect("a boolean", value, where)
    return value


def json_object(value: Json, where: str) -> JsonObject:
    """Check that a value is a JSON object; raises `MalformedAnswer` with its path."""
    if not isinstance(value, dict):
        raise _expect("an object", value, where)
    return value


def json_list(value: Json, where: str) -> list[Json]:
    """Check that a value is a JSON array; raises `MalformedAnswer` with its path."""
    if not isinstance(value, list):
        raise _expect("an array", value, where)
    return value


text = Kind(str, _text)
integer = Kind(int, _integer)
flag = Kind(bool, _flag)
document = Kind[JsonObject](dict, json_object)


def listed(kind: Kind[T]) -> Kind[tuple[T, ...]]:
    """An array of values of one kind."""
    return Kind(
        tuple, lambda value, where: tuple(kind.read(v, f"{where}[{i}]") for i, v in enumerate(json_list(value, where)))
    )


def named(kind: Kind[T]) -> Kind[dict[str, T]]:
    """An object whose keys are names and whose values are of one kind; a null value is the empty one."""

    def read(value: Json, where: str) -> dict[str, T]:
        items = json_object(value, where).items()
        return {name: kind.empty() if v is None else kind.read(v, f"{where}.{name}") for name, v in items}

    return Kind(dict, read)


def model(cls: type[T]) -> Kind[T]:
    """A nested model."""
    return Kind(cls, lambda value, where: decode(cls, value, where))


texts = listed(text)
texts_by_name = named(text)


def api(key: str, kind: Kind[T]) -> T:
    """Declare an attribute: its JSON key and its kind."""
    return attrs.field(factory=kind.empty, metadata={"key": key, "kind": kind})


def decode(cls: type[T], value: Json, where: str) -> T:
    """Build a model from a JSON object; raises `MalformedAnswer` naming the path of what does not fit."""
    found = json_object(value, where)
    arguments: dict[str, Any] = {}
    for field in attrs.fields(cast(Any, cls)):
        key = field.metadata.get("key")
        if key is None:
            arguments[field.name] = found  # the model keeps the document itself
        elif (item := found.get(key)) is not None:
            arguments[field.name] = field.metadata["kind"].read(item, f"{where}.{key}")
    return cls(**arguments)
