"""The functions of text/template and those that docker adds (its templates.go)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import cast
from urllib.parse import quote_plus

from pyctl.app.format.gotemplate.values import Nil, NoValue, Value, is_true, text, to_json, type_name
from pyctl.errors import TemplateError

Function = Callable[..., Value]
_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?P<precision>\.\d*)?(?P<verb>.)", re.DOTALL)


def _strings(values: Value) -> list[str]:
    if isinstance(values, Nil | NoValue) or values is None:
        return []
    if not isinstance(values, list):
        raise TemplateError(f"wrong type for value; expected []string; got {type_name(values)}")
    return [text(value) for value in values]


def _string(value: Value) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"wrong type for value; expected string; got {type_name(value)}")
    return value


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        value = _one(value, key)
    return value


def _one(value: Value, key: Value) -> Value:
    if isinstance(value, list | str):
        if isinstance(key, bool) or not isinstance(key, int):
            raise TemplateError(f"cannot index slice/array with type {type_name(key)}")
        if not 0 <= key < len(value):
            raise TemplateError(f"index out of range: {key}")
        return ord(value[key]) if isinstance(value, str) else value[key]
    if isinstance(value, dict):
        # A missing key is the zero value of the map's type; in the API's maps that is a text more often than not.
        return value.get(_string(key), "")
    if isinstance(value, Nil) and value.text == "map[]":
        return ""
    if value is None or isinstance(value, Nil | NoValue):
        raise TemplateError("index of untyped nil")
    raise TemplateError(f"can't index item of type {type_name(value)}")


def _slice(value: Value, *bounds: Value) -> Value:
    if not isinstance(value, list | str):
        raise TemplateError(f"can't slice item of type {type_name(value)}")
    start = bounds[0] if bounds else 0
    end = bounds[1] if len(bounds) > 1 else len(value)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= len(value):
        raise TemplateError(f"index out of range: {text(end)}")
    return value[start:end]


def _length(value: Value) -> Value:
    if isinstance(value, Nil):
        return 0
    if not isinstance(value, str | list | dict):
        raise TemplateError(f"len of type {type_name(value)}")
    return len(value.encode()) if isinstance(value, str) else len(value)


def _same(first: Value, *others: Value) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    return any(_comparable(first, other) and first == other for other in others)


def _comparable(first: Value, second: Value) -> bool:
    if first is None or second is None:
        return True
    if type(first) is not type(second) and not {type(first), type(second)} <= {int, float}:
        raise TemplateError("incompatible types for comparison")
    return True


def _less(first: Value, second: Value) -> bool:
    _comparable(first, second)
    if isinstance(first, bool) or not isinstance(first, int | float | str):
        raise TemplateError("invalid type for comparison")
    return bool(first < second)  # type: ignore[operator]  # of one kind, as was checked


def _print(*values: Value) -> str:
    """Go's Sprint: blanks only between two values of which neither is a text."""
    result = ""
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            result += " "
        result += text(value)
    return result


def _printf(layout: Value, *values: Value) -> str:
    rest = list(values)

    def one(found: re.Match[str]) -> str:
        if found["verb"] == "%":
            return "%"
        if not rest:
            return f"%!{found['verb']}(MISSING)"
        return _padded(_verb(found["verb"], found["precision"], rest.pop(0)), found["flags"], found["width"])

    formatted = _VERB.sub(one, _string(layout))
    if rest:
        formatted += "%!(EXTRA " + ", ".join(f"{type_name(value)}={text(value)}" for value in rest) + ")"
    return formatted


def _padded(shown: str, flags: str, width: str) -> str:
    if "-" in flags:
        return shown.ljust(int(width or 0))
    return shown.rjust(int(width or 0), "0" if "0" in flags else " ")


def _verb(verb: str, precision: str | None, value: Value) -> str:
    match verb, value:
        case "v", _:
            return text(value)
        case "s", str() | list():
            shown = text(value)
            return shown[: int(precision[1:] or 0)] if precision else shown
        case "q", str():
            return json.dumps(value, ensure_ascii=False)
        case "t", bool():
            return text(value)
        case "d" | "x" | "X" | "o" | "b" | "c", int() if not isinstance(value, bool):
            return format(value, verb)
        case "f" | "e" | "g", float():
            return format(value, f"{precision or '.6'}{verb}")
        case "T", _:
            return type_name(value)
    return f"%!{verb}({type_name(value)}={text(value)})"


def _pad(value: Value, before: Value, after: Value) -> str:
    shown = _string(value)
    return " " * cast(int, before) + shown + " " * cast(int, after) if shown else shown


def _title(value: Value) -> str:
    return re.sub(r"(?:^|(?<=\s))\w", lambda found: found[0].upper(), _string(value))


FUNCTIONS: Mapping[str, Function] = {
    "json": to_json,
    "split": lambda value, separator: list(_string(value).split(_string(separator))),
    "join": lambda values, separator: _string(separator).join(_strings(values)),
    "title": _title,
    "lower": lambda value: _string(value).lower(),
    "upper": lambda value: _string(value).upper(),
    "pad": _pad,
    "truncate": lambda value, length: _string(value)[: cast(int, length)],
    "index": _index,
    "slice": _slice,
    "len": _length,
    "not": lambda value: not is_true(value),
    "eq": _same,
    "ne": lambda first, second: not _same(first, second),
    "lt": _less,
    "le": lambda first, second: _less(first, second) or _same(first, second),
    "gt": lambda first, second: not _less(first, second) and not _same(first, second),
    "ge": lambda first, second: not _less(first, second),
    "print": _print,
    "println": lambda *values: " ".join(text(value) for value in values) + "\n",
    "printf": _printf,
    "html": lambda *values: html.escape(_print(*values)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "js": lambda *values: json.dumps(_print(*values))[1:-1],
    "urlquery": lambda *values: quote_plus(_print(*values)),
}


LAZY = ("and", "or")
"""Evaluated until the answer is clear, so they are no functions of values."""


def _as_header(value: Value, *_: Value) -> Value:
    return value


HEADER_FUNCTIONS: Mapping[str, Function] = {
    **FUNCTIONS,
    **dict.fromkeys(["json", "title", "lower", "upper", "pad", "truncate"], _as_header),
    "join": lambda values, _: values,
    "split": lambda value, _: value,
}
"""For the row of titles: what would change a value leaves a title alone."""
