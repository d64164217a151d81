"""Text and actions, and the words inside an action."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from pyctl.errors import TemplateError

_ACTION = re.compile(r"\{\{(?:-(?=\s))?")
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<raw>`[^`]*`)
  | (?P<char>'(?:\\.|[^'\\\n])+')
  | (?P<number>[+-]?\d[\w.]*)
  | (?P<field>\.[^\W\d]\w*)
  | (?P<variable>\$\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<sign>:=|[.()|,=])
    """,
    re.VERBOSE,
)
_SPACES = " \t\r\n"


@attrs.frozen
class Token:
    """``kind`` is a group of the pattern above; ``at`` the offset in the template."""

    kind: str
    text: str
    at: int
    glued: bool = False
    """Nothing stands between it and the token before: ``(index .X 0).Name`` goes on, ``.A .B`` does not."""


@attrs.frozen
class Text:
    """What is copied to the output."""

    text: str


@attrs.frozen
class Action:
    """What stands between double braces."""

    tokens: tuple[Token, ...]
    at: int


def place(source: str, at: int) -> str:
    """Name a place as Go does: line, and column from 0."""
    before = source[:at]
    return f":{before.count(chr(10)) + 1}:{at - (before.rfind(chr(10)) + 1)}"


def parse_error(source: str, at: int, text: str) -> TemplateError:
    """The error of a template that does not parse; Go names its line only. `Template` puts its name in front."""
    line = source[:at].count("\n") + 1
    return TemplateError(f":{line}: {text}")


def lex(source: str) -> Iterator[Text | Action]:
    """Split a template. Raises `TemplateError`."""
    position = 0
    trim = False
    while (found := _ACTION.search(source, position)) is not None:
        text = source[position : found.start()]
        text = text.lstrip(_SPACES) if trim else text
        if text := text.rstrip(_SPACES) if found[0].endswith("-") else text:
            yield Text(text)
        tokens, position, trim = _inside(source, found.end())
        if tokens:
            yield Action(tokens, found.end())
    if rest := source[position:].lstrip(_SPACES) if trim else source[position:]:
        yield Text(rest)


def _inside(source: str, start: int) -> tuple[tuple[Token, ...], int, bool]:
    """The tokens of one action (none for a comment), where it ends, and whether it trims what follows."""
    comment = re.compile(r"\s*/\*.*?\*/\s*?(?P<trim>\s-)?\}\}", re.DOTALL).match(source, start)
    if comment is not None:
        return (), comment.end(), comment["trim"] is not None
    tokens: list[Token] = []
    position, glued = start, False
    while True:
        closing = re.compile(r"(?P<trim>\s-)?\}\}").match(source, position)
        if closing is not None:
            if not tokens:
                raise parse_error(source, position, "missing value for command")
            return tuple(tokens), closing.end(), closing["trim"] is not None
        token = _token(source, position)
        if token.kind != "space":
            tokens.append(attrs.evolve(token, glued=glued))
        glued = token.kind != "space"
        position = token.at + len(token.text)


def _token(source: str, position: int) -> Token:
    found = _TOKEN.match(source, position)
    if found is None or found.lastgroup is None:
        rest = source[position:]
        if not rest or "}}" not in rest:
            raise parse_error(
                source, position, "unclosed action" if rest[:1] not in ('"', "`") else "unterminated quoted string"
            )
        raise parse_error(source, position, f"unexpected {rest[0]!r} in operand")
    return Token(found.lastgroup, found[0], position)
