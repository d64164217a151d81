"""``.dockerignore``: which files of a context are no part of it. Pure.

Source: the reference of docker build, ".dockerignore file"; where that is silent, github.com/moby/patternmatcher: the last pattern that matches a path
or one of its directories decides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from attrs import define, field, frozen

from pydockerd.errors import BadRequest

_BYTE_ORDER_MARK = "\ufeff"


@frozen
class Pattern:
    """One line. ``negated``: what it matches is part of the context after all."""

    text: str
    negated: bool
    expression: re.Pattern[str]


def read_patterns(text: str) -> tuple[str, ...]:
    """The lines without comments and blanks, each path in its plainest form."""
    found = list[str]()
    for line in text.removeprefix(_BYTE_ORDER_MARK).splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        negated = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if pattern:
            pattern = posixpath.normpath(pattern)
            pattern = pattern.lstrip("/") if len(pattern) > 1 else pattern
        found.append(("!" if negated else "") + pattern)
    return tuple(found)


def pattern_of(text: str) -> Pattern | None:
    """None for a line that says nothing. BadRequest for a malformed one."""
    negated = text.startswith("!")
    plain = text[1:] if negated else text
    if negated and not plain:
        raise BadRequest('.dockerignore: illegal exclusion pattern: "!"')
    plain = posixpath.normpath(plain.strip()) if plain.strip() else ""
    if plain in ("", "."):
        return None
    try:
        return Pattern(text, negated, re.compile(translated(plain), re.DOTALL))
    except re.error as error:
        raise BadRequest(f".dockerignore: syntax error in pattern {text!r}: {error}") from None


def translated(pattern: str) -> str:
    """The expression of a path pattern: ``**`` is any number of directories, ``*`` and ``?`` stay in one, ``[...]`` and a backslash are Go's."""
    result, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if character == "*" and pattern.startswith("**", at):
            at = _after_stars(pattern, at)
            if at >= len(pattern):
                result += ".*"
            else:
                result += "(?:.*/)?"
            continue
        if character == "*":
            result += "[^/]*"
        elif character == "?":
            result += "[^/]"
        elif character == "\\" and at + 1 < len(pattern):
            at += 1
            result += re.escape(pattern[at])
        elif character == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                raise re.error("missing ]")
            inside = pattern[at + 1 : end].replace("[", "\\[").replace("&&", "&\\&")
            result += f"[{inside}]"
            at = end
        else:
            result += re.escape(character)
        at += 1
    return result


def _after_stars(pattern: str, at: int) -> int:
    while pattern.startswith("*", at):
        at += 1
    return at + 1 if pattern.startswith("/", at) else at


@define
class Ignore:
    """Patterns in order. What was found of a directory is remembered, since all in it are asked for."""

    patterns: tuple[Pattern, ...]
    _known: dict[str, tuple[bool, ...]] = field(factory=dict)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Ignore:
        """BadRequest for a malformed one."""
        return cls(tuple(pattern for line in lines if (pattern := pattern_of(line)) is not None))

    def excludes(self, path: str) -> bool:
        """Whether ``a/b`` is no part of the context."""
        excluded = False
        for pattern, matches in zip(self.patterns, self._matched(path), strict=True):
            if matches:
                excluded = not pattern.negated
        return excluded

    def _matched(self, path: str) -> tuple[bool, ...]:
        parent = posixpath.dirname(path)
        above = (False,) * len(self.patterns)
        if parent:
            found = self._known.get(parent)
            above = self._known[parent] = self._matched(parent) if found is None else found
        return tuple(
            known or pattern.expression.fullmatch(path) is not None
            for known, pattern in zip(above, self.patterns, strict=True)
        )
