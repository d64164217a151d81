"""Values as Go sees them: how they print, whether they are true, what their fields are.

A JSON document does not say which of its objects are structs and which are maps, nor what a null is the empty value of. Both
show in Go's output. Objects whose keys all look like names of Go fields are taken for structs; which nulls are empty lists or
maps is known by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import attrs

from pyctl.errors import TemplateError

_FIELD_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_LISTS = frozenset(
    [
        "Args",
        "Binds",
        "BlkioDeviceReadBps",
        "BlkioDeviceReadIOps",
        "BlkioDeviceWriteBps",
        "BlkioDeviceWriteIOps",
        "BlkioWeightDevice",
        "CapAdd",
        "CapDrop",
        "Cmd",
        "Devices",
        "DeviceCgroupRules",
        "DeviceRequests",
        "Dns",
        "DnsOptions",
        "DnsSearch",
        "Entrypoint",
        "Env",
        "ExecIDs",
        "ExtraHosts",
        "GroupAdd",
        "Links",
        "MaskedPaths",
        "Mounts",
        "OnBuild",
        "ReadonlyPaths",
        "RepoDigests",
        "RepoTags",
        "SecurityOpt",
        "Shell",
        "Ulimits",
        "VolumesFrom",
        "Aliases",
        "DNSNames",
    ]
)
_MAPS = frozenset(
    [
        "Annotations",
        "DriverOpts",
        "ExposedPorts",
        "Labels",
        "Networks",
        "PortBindings",
        "Ports",
        "StorageOpt",
        "Sysctls",
        "Tmpfs",
        "Volumes",
    ]
)
_OMITTED = frozenset(
    [
        "Health",
        "Healthcheck",
        "Init",
        "MemorySwappiness",
        "OomKillDisable",
        "PidsLimit",
        "SizeRootFs",
        "SizeRw",
        "StopTimeout",
    ]
)
"""Pointers that the daemon leaves out of its JSON when they are nil."""


class NoValue:
    """A key that a map does not have."""

    def __str__(self) -> str:
        return "<no value>"


NO_VALUE = NoValue()


@attrs.frozen
class Nil:
    """A null that stands for an empty list or map."""

    text: str


class Row:
    """One line of a listing: named columns, and methods that take arguments (``Label``).

    ``document`` is what ``{{json .}}`` prints; without it, the columns.
    """

    def __init__(
        self,
        go_type: str,
        columns: Mapping[str, Value],
        methods: Mapping[str, Callable[..., Value]] | None = None,
        document: Value = None,
    ) -> None:
        self.go_type = go_type
        self.columns = columns
        self.methods = methods or {}
        self.document = document


Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"] | Nil | NoValue | Row
"""What a template computes with."""


def field(value: Value, name: str) -> Value:
    """The field of a struct or the value at a key. Raises `TemplateError` when there is no such thing."""
    if isinstance(value, Row):
        if name not in value.columns:
            raise TemplateError(f"can't evaluate field {name} in type {value.go_type}")
        return value.columns[name]
    if isinstance(value, dict):
        return _entry(value, name)
    if value is None or isinstance(value, Nil | NoValue):
        raise TemplateError(f"nil pointer evaluating interface {{}}.{name}")
    raise TemplateError(f"can't evaluate field {name} in type interface {{}}")


def _entry(found: dict[str, Value], name: str) -> Value:
    if name not in found:
        # Go's own name of a field may differ in case from the JSON key: ID and Id.
        same = [key for key in found if key.lower() == name.lower()]
        if not same and not is_struct(found):
            return NO_VALUE
        if not same and name in _OMITTED:
            return None
        if not same:
            raise TemplateError(f'map has no entry for key "{name}"')
        name = same[0]
    value = found[name]
    if value is None and name in _LISTS:
        return Nil("[]")
    return Nil("map[]") if value is None and name in _MAPS else value


def is_struct(value: dict[str, Value]) -> bool:
    """Guess whether an object was a struct."""
    return bool(value) and all(_FIELD_NAME.fullmatch(key) for key in value)


def text(value: Value) -> str:
    """Print as Go's ``%v`` does."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case list():
            return "[" + " ".join(text(item) for item in value) + "]"
        case dict() if is_struct(value):
            return "{" + " ".join(text(item) for item in value.values()) + "}"
        case dict():
            return "map[" + " ".join(f"{key}:{text(item)}" for key, item in sorted(value.items())) + "]"
        case Nil():
            return value.text
        case Row():
            return text(dict(value.columns))
        case _:
            return str(value)


def is_true(value: Value) -> bool:
    """Go's truth: not false, 0, nil, or empty."""
    if isinstance(value, Nil | NoValue):
        return False
    return isinstance(value, Row) or bool(value)


def elements(value: Value) -> list[tuple[Value, Value]] | None:
    """Keys and values of what ``range`` goes over, a map's in the order of its keys; None for what has none."""
    match value:
        case None | Nil() | NoValue():
            return []
        case list():
            return list(enumerate(value))
        case dict():
            return sorted(value.items())
        case int() if not isinstance(value, bool):
            return [(number, number) for number in range(value)]
        case _:
            return None


def type_name(value: Value) -> str:
    """Go's name of a value's type, near enough for a message."""
    names: dict[type, str] = {str: "string", bool: "bool", int: "int", float: "float64", list: "[]interface {}"}
    return names.get(type(value), "map[string]interface {}")


def to_json(value: Value) -> str:
    """JSON as docker's ``json`` function writes it: no blanks, the keys of maps in order, those of structs as they are.

    A row of a listing also has the characters escaped that HTML minds, because it goes through Go's encoder twice.
    """
    if not isinstance(value, Row):
        return _dumps(_ordered(value))
    document = _dumps(_ordered(value.document or dict(sorted(value.columns.items()))))
    return document if value.document else html_safe(document)


def html_safe(document: str) -> str:
    """JSON with the characters escaped that HTML minds, as Go's encoder does where it is not told otherwise."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


_ESCAPED = re.compile("[<>&\u2028\u2029]")


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _ordered(value: Value) -> object:
    match value:
        case dict() if is_struct(value):
            return {key: _ordered(item) for key, item in value.items()}
        case dict():
            return {key: _ordered(item) for key, item in sorted(value.items())}
        case list():
            return [_ordered(item) for item in value]
        case Row():
            return _ordered(dict(value.columns))
        case Nil() | NoValue():
            return None
        case _:
            return value
