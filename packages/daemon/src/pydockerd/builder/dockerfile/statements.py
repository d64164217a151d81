"""Lines to statements: directives, comments, continuation, flags and here-documents.

Source: the Dockerfile reference, "Format", "Parser directives" and "Here-Documents"; where that is silent, BuildKit's parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from pydockerd.builder.dockerfile.source import Position, Source, Text, joined
from pydockerd.builder.dockerfile.words import Quoting, split

MOST_BYTES: Final = 2 << 20
"""Of one Dockerfile. The longest known have some ten thousand lines."""

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES: Final = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]+)")
_WITH_HEREDOCS: Final = frozenset({"ADD", "COPY", "RUN"})
_BLANK: Final = " \t\r\v\f"


@frozen
class Heredoc:
    """A here-document. ``word`` is how it is announced; ``expand``: variables in it are replaced, as its name is not quoted."""

    name: str
    content: Text
    expand: bool
    chomp: bool
    descriptor: str
    word: Text


@frozen
class Statement:
    """One instruction, not understood yet: ``flags`` are words that begin with ``--``; ``rest`` is all that follows them."""

    keyword: Text
    flags: tuple[Text, ...]
    rest: Text
    heredocs: tuple[Heredoc, ...] = ()
    original: str = ""
    """The whole of it in one line."""

    @property
    def name(self) -> str:
        """In capitals."""
        return self.keyword.text.upper()


@frozen
class Statements:
    """A whole file."""

    source: Source
    statements: tuple[Statement, ...]
    escape: str
    directives: Mapping[str, str]


def read(data: bytes, name: str = "Dockerfile") -> Statements:
    """DockerfileError for what cannot be divided into statements."""
    if len(data) > MOST_BYTES:
        raise Source(name, ()).error(Position(1, 1), f"the file has more than {MOST_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise Source(name, ()).error(Position(line, column), "the file is not UTF-8") from None
    lines = tuple(text.replace("\r\n", "\n").split("\n"))
    return _Reader(Source(name, lines)).read()


def reread(text: str, escape: str, source: Source, position: Position) -> Statement:
    """A trigger of ONBUILD: one line of an image's configuration, or the rest of a statement, at ``position`` of ``source``."""
    return _statement(Text(text, ((0, position),)), source, escape)


@define
class _Reader:
    _source: Source
    _at: int = 0
    _escape: str = "\\"
    _directives: dict[str, str] = field(factory=dict)
    _found: list[Statement] = field(factory=list)

    def read(self) -> Statements:
        self._read_directives()
        while self._at < len(self._source.lines):
            line = self._logical_line()
            if line is not None:
                self._found.append(self._with_heredocs(line))
        return Statements(self._source, tuple(self._found), self._escape, self._directives)

    def _read_directives(self) -> None:
        """They stand at the very beginning; whatever is none ends them."""
        for line in self._source.lines:
            found = _DIRECTIVE.fullmatch(line.strip())
            if found is None or found[1].lower() not in _DIRECTIVES:
                return
            name, position = found[1].lower(), Position(self._at + 1, 1)
            if name in self._directives:
                raise self._source.error(position, f"only one {name} parser directive can be used")
            if name == "escape":
                if found[2] not in ("\\", "`"):
                    column = line.index(found[2], line.index("=")) + 1
                    raise self._source.error(
                        Position(self._at + 1, column), f"invalid escape token {found[2]!r}: it must be ` or \\"
                    )
                self._escape = found[2]
            self._directives[name] = found[2]
            self._at += 1

    def _logical_line(self) -> Text | None:
        """The next statement, None for a line without one. Comments and empty lines inside are passed over."""
        first = self._next_line()
        if _is_comment(first.text) or not first.text.strip():
            return None
        first = first.part(len(first.text) - len(first.text.lstrip()))
        pieces, more = [], True
        while more:
            piece, more = self._continued(first)
            pieces.append(piece)
            while more and self._at < len(self._source.lines):
                first = self._next_line()
                if first.text.strip() and not _is_comment(first.text):
                    break
            else:
                more = False
        return joined(pieces)

    def _next_line(self) -> Text:
        self._at += 1
        return Text(self._source.lines[self._at - 1], ((0, Position(self._at, 1)),))

    def _continued(self, line: Text) -> tuple[Text, bool]:
        """The line without its escape at the end, and whether it had one. Two of them are one that stands for itself."""
        text = line.text.rstrip(_BLANK)
        if text.endswith(self._escape) and not text.endswith(self._escape * 2):
            return line.part(0, len(text) - 1), True
        return line, False

    def _with_heredocs(self, line: Text) -> Statement:
        statement = _statement(line, self._source, self._escape)
        name, rest = statement.name, statement.rest
        if name == "ONBUILD":
            inner = _statement(rest, self._source, self._escape) if rest.text.strip() else statement
            name, rest = inner.name, inner.rest
        if name not in _WITH_HEREDOCS or "<<" not in rest.text or rest.text.lstrip().startswith("["):
            return statement
        heredocs = tuple(self._heredoc(word, found) for word, found in _announced(rest, self._source, self._escape))
        return Statement(statement.keyword, statement.flags, statement.rest, heredocs, statement.original)

    def _heredoc(self, word: Text, found: re.Match[str]) -> Heredoc:
        name = found[3]
        quoted = name[:1] in ("'", '"') and name[-1:] == name[:1] and len(name) > 2
        name = name[1:-1] if quoted else name
        chomp, pieces = found[2] == "-", list[Text]()
        while self._at < len(self._source.lines):
            line = self._next_line()
            told = line.part(len(line.text) - len(line.text.lstrip("\t"))) if chomp else line
            if told.text == name:
                return Heredoc(name, joined(pieces), not quoted, chomp, found[1], word)
            pieces += [told, Text("\n", ((0, line.at(len(line.text))),))]
        raise self._source.error(word, f"unterminated here-document: no line that says {name}")


def _announced(rest: Text, source: Source, escape: str) -> list[tuple[Text, re.Match[str]]]:
    """The words that announce a here-document. What shells quote is none; what they alone understand is left to them."""
    words = split(rest, source, escape, Quoting.KEPT, strict=False)
    return [(word, found) for word in words if (found := _HEREDOC.fullmatch(word.text)) is not None]


def _is_comment(line: str) -> bool:
    return line.lstrip(_BLANK).startswith("#")


def _statement(line: Text, source: Source, escape: str) -> Statement:
    line = line.stripped()
    found = re.match(r"\S+", line.text)
    if found is None:
        raise source.error(line, "expected an instruction")
    rest = line.part(found.end()).stripped()
    flags, rest = _flags(rest, source, escape)
    return Statement(line.part(0, found.end()), flags, rest, (), line.text)


def _flags(rest: Text, source: Source, escape: str) -> tuple[tuple[Text, ...], Text]:
    """``--`` alone ends them."""
    flags = list[Text]()
    while rest.text.startswith("--"):
        end = _end_of_word(rest.text, escape)
        word, rest = rest.part(0, end), rest.part(end).stripped()
        if word.text == "--":
            break
        flags.append(word)
    return tuple(flags), rest


def _end_of_word(text: str, escape: str) -> int:
    """Blanks in quotes or behind an escape are part of a word."""
    quote, at = "", 0
    while at < len(text):
        character = text[at]
        if character == escape and quote != "'":
            at += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character.isspace():
            break
        at += 1
    return min(at, len(text))
