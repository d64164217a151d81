"""What a registry asks for: the header ``WWW-Authenticate`` (RFC 9110, section 11.6.1), as a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word for a word
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*,?')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")


@frozen
class Challenge:
    """``scheme`` in lower case; parameters by name in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """All that several headers hold; what cannot be read is left out."""
    return [challenge for header in headers for challenge in _read(header)]


def _read(header: str) -> Iterable[Challenge]:
    position = 0
    while (scheme := _SCHEME.match(header, position)) is not None:
        position = scheme.end()
        parameters: dict[str, str] = {}
        while (found := _PARAMETER.match(header, position)) is not None:
            quoted = found[2]
            parameters[found[1].lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found[3]
            position = found.end()
        yield Challenge(scheme[1].lower(), parameters)
