"""encode(Plan) -> bytes: the plan as pyrunc-init reads it (the format is described in native/plan.h).

What kind of field each operation has is derived once from the annotations in plan.py; a test compares the result with the table
that the C side was compiled from.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import attrgetter

from pyrunc.model import fields, frozen
from pyrunc.plan import Operation, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

MAGIC: Final = b"PYRUNC\r\n"
VERSION: Final = 1
MONITOR: Final = 1
"""Launch flag: pyrunc-init stays as the monitor."""
RESTORE: Final = 2
"""Launch flag: the program makes another process, which is the one to be monitored."""

_HEADER = struct.Struct("=8sIIQIIII")
_OPERATION = struct.Struct("=HHI")
_NUMBER = struct.Struct("=Q")
_TWO_NUMBERS = struct.Struct("=QQ")
_WRAP = (1 << 64) - 1
_PADDING = tuple(bytes(-n % 8) for n in range(8))


class EncodeError(ValueError):
    """A value that the wire has no place for: a NUL in a text, a number of more than 64 bits. Names the field."""


def _number(value: int) -> bytes:
    if not -(1 << 63) <= value < 1 << 64:
        raise EncodeError("needs more than 64 bits")
    return _NUMBER.pack(value & _WRAP)


def _text(value: str) -> bytes:
    # surrogateescape: paths and arguments are bytes to the kernel, and come back as those they were.
    data = value.encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise EncodeError("contains a NUL")
    size = len(data)
    return _NUMBER.pack(size) + data + b"\0" + _PADDING[(size + 1) & 7]


def _bytes(value: bytes) -> bytes:
    return _NUMBER.pack(len(value)) + value + _PADDING[len(value) & 7]


def _texts(value: tuple[str, ...]) -> bytes:
    if not value:
        return _TWO_NUMBERS.pack(0, 0)
    data = "\0".join(value).encode("utf-8", "surrogateescape") + b"\0"
    if data.count(b"\0") != len(value):
        raise EncodeError("contains a NUL")
    return _TWO_NUMBERS.pack(len(value), len(data)) + data + _PADDING[len(data) & 7]


def _numbers(value: tuple[int, ...]) -> bytes:
    return _NUMBER.pack(len(value)) + b"".join(map(_number, value))


_KINDS: Final[dict[str, tuple[str, Callable[[Any], bytes]]]] = {
    "int": ("i", _number),
    "bool": ("b", _number),
    "str": ("s", _text),
    "bytes": ("y", _bytes),
    "tuple[str, ...]": ("S", _texts),
    "tuple[int, ...]": ("N", _numbers),
}
"""Annotation -> letter of the kind on the wire, and what encodes it."""


@frozen
class Layout:
    """How operations of one class are encoded: its number, the names of its fields, a letter a field, and an encoder each."""

    code: int
    names: tuple[str, ...]
    kinds: str
    encoders: tuple[Callable[[Any], bytes], ...]
    values: Callable[[Operation], tuple[Any, ...]]


_layouts: Final[dict[type[Operation], Layout]] = {}


def layout(cls: type[Operation]) -> Layout:
    """Worked out when the first operation of the class is encoded: a container has few of all kinds."""
    found = _layouts.get(cls)
    if found is None:
        sent = [field for field in fields(cls) if field.name != "path"]
        names = tuple(field.name for field in sent)
        kinds = [_KINDS[field.annotation] for field in sent]
        found = Layout(cls.code, names, "".join(k for k, _ in kinds), tuple(e for _, e in kinds), _getter(names))
        _layouts[cls] = found
    return found


def _getter(names: tuple[str, ...]) -> Callable[[Operation], tuple[Any, ...]]:
    """attrgetter gives a tuple only for two names or more."""
    get = attrgetter(*names) if names else None
    if get is None:
        return lambda _: ()
    if len(names) == 1:
        return lambda operation: (get(operation),)
    return get


def _operation(operation: Operation) -> bytes:
    known = layout(type(operation))
    body = b"".join([encode(value) for encode, value in zip(known.encoders, known.values(operation), strict=True)])
    return _OPERATION.pack(known.code, len(known.names), _OPERATION.size + len(body)) + body


def _explain_failure(operation: Operation, error: EncodeError) -> EncodeError:
    """Which field it was: looked for only now, so that the usual case stays fast."""
    known = layout(type(operation))
    for name, encoder, value in zip(known.names, known.encoders, known.values(operation), strict=True):
        try:
            encoder(value)
        except EncodeError:
            return EncodeError(f"{operation.path or type(operation).__name__}: {name} {error}")
    return error


def encode(
    plan: Plan, *, slots: int = 0, preserve: int = 0, monitor: bool = False, restore: bool = False, hold: int = 0
) -> bytes:
    """The plan with the header that tells pyrunc-init which descriptors it was started with.

    ``slots`` and ``preserve`` count descriptors; ``hold`` is a mask of the stdio ends (1, 2, 4) that a monitor is to hold.
    Raises EncodeError.
    """
    parts = []
    for operation in plan.operations:
        try:
            parts.append(_operation(operation))
        except EncodeError as error:
            raise _explain_failure(operation, error) from None
    body = b"".join(parts)
    size = _HEADER.size + len(body)
    flags = (MONITOR if monitor else 0) | (RESTORE if restore else 0)
    return _HEADER.pack(MAGIC, VERSION, len(plan.operations), size, slots, preserve, flags, hold) + body
