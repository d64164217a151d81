"""JSON as text: ``loads`` and ``dumps`` of the json module, by its C halves alone.

``import json`` imports the regular expressions that its Python halves need: a tenth of the time of ``pyrunc run``, for text that C
reads and writes. Whatever C cannot do, or refuses, is left to json, and so are the errors.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_c: Any
try:
    import _json as _c
except ImportError:  # it is CPython's own
    _c = None

_SPACE = " \t\n\r"


class _Reading:
    """What a scanner asks for: json's defaults, but that NaN and Infinity, which are no JSON, are refused."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(constant: str) -> object:
        raise ValueError(f"{constant} is not a JSON value")


def loads(source: str | bytes) -> Any:
    """The value of a text. Raises ValueError (json.JSONDecodeError, with the place) for one that is no JSON, RecursionError."""
    text = source if isinstance(source, str) or source[:3] == b"\xef\xbb\xbf" else _decoded(source)
    if _c is not None and isinstance(text, str):
        body = text.strip(_SPACE)
        try:
            value, end = _c.make_scanner(_Reading)(body, 0)
        except (
            StopIteration,
            ValueError,
            SystemError,
        ):  # the last, where it finds no json.decoder to take its error from
            end = -1
        if end == len(body):
            return value
    import json

    return json.loads(text, parse_constant=_Reading.parse_constant)


def _decoded(source: bytes) -> str | bytes:
    """As text where it is UTF-8, as nearly always; json knows the other encodings that it may have."""
    try:
        return source.decode() if b"\0" not in source[:4] else source
    except UnicodeDecodeError:
        return source


def dumps(value: object, *, sort_keys: bool = False) -> str:
    """The text of a value, without spaces. Raises TypeError and ValueError as json does."""
    if _c is not None and isinstance(value, list | tuple | dict):
        encode = _c.make_encoder({}, _refuse, _c.encode_basestring_ascii, None, ":", ",", sort_keys, False, True)
        return "".join(encode(value, 0))
    import json

    return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"))


def _refuse(value: object) -> object:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
