"""Words and variables, by the rules that Dockerfiles have of their own: like a shell's, but no shell's.

Source: the Dockerfile reference, "Environment replacement"; where that is silent, BuildKit's shell lexer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from attrs import define, field

from pydockerd.builder.dockerfile.source import Source, Text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_DEEPEST: Final = 32
"""Expansions inside of each other: more than anybody reads, and less than Python's stack."""


class Quoting(Enum):
    """What becomes of quotes and escapes."""

    REMOVED = auto()
    KEPT = auto()


def split(
    text: Text, source: Source, escape: str, quoting: Quoting = Quoting.KEPT, *, strict: bool = True
) -> tuple[Text, ...]:
    """The words between blanks, not expanded. DockerfileError for a quote without an end; not ``strict``: it ends with the text."""
    words, at, length = list[Text](), 0, len(text.text)
    while at < length:
        if text.text[at].isspace():
            at += 1
            continue
        end = _end(text, at, source, escape, strict=strict)
        words.append(text.part(at, end))
        at = end
    if quoting is Quoting.REMOVED:
        return tuple(Text(expand(word, {}, source, escape), word.marks[:1]) for word in words)
    return tuple(words)


def _end(text: Text, at: int, source: Source, escape: str, *, strict: bool) -> int:
    quote, opened = "", at
    while at < len(text.text):
        character = text.text[at]
        if character == escape and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote, opened = character, at
        elif character.isspace():
            break
        at += 1
    if quote and strict:
        raise source.error(text.at(opened), f"unexpected end of statement while looking for matching {_QUOTES[quote]}")
    return min(at, len(text.text))


_QUOTES: Final = {"'": "single-quote", '"': "double-quote"}


def expand(text: Text, variables: Mapping[str, str], source: Source, escape: str) -> str:
    """The text as one word: variables replaced, quotes and escapes gone. DockerfileError."""
    return _Expansion(text, variables, source, escape).run()


def expand_words(text: Text, variables: Mapping[str, str], source: Source, escape: str) -> tuple[str, ...]:
    """As words: what is in a variable is divided as well, unless it is quoted. DockerfileError."""
    expansion = _Expansion(text, variables, source, escape)
    expansion.run()
    return tuple(expansion.words)


def expand_plainly(text: Text, variables: Mapping[str, str], source: Source, escape: str) -> str:
    """As the content of a here-document: variables replaced, quotes kept."""
    return _Expansion(text, variables, source, escape, quotes=False).run()


def used_names(text: str) -> frozenset[str]:
    """Names of variables that may be used in the text."""
    return frozenset(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", text))


@define
class _Expansion:
    """One pass over a text. ``words`` are what blanks outside of quotes have divided it into, including those from variables."""

    _text: Text
    _variables: Mapping[str, str]
    _source: Source
    _escape: str
    _quotes: bool = field(default=True, kw_only=True)
    _at: int = 0
    _depth: int = 0
    words: list[str] = field(factory=list, init=False)
    _word: list[str] = field(factory=list, init=False)
    _is_word: bool = field(default=False, init=False)

    def run(self) -> str:
        whole = self._until("")
        self._end_word()
        return whole

    def _until(self, stop: str) -> str:
        """Expanded up to one of the characters of ``stop``, or the end."""
        result = list[str]()
        while self._at < len(self._text.text):
            character = self._text.text[self._at]
            if stop and character in stop:
                break
            if character == "'" and self._quotes:
                result.append(self._add(self._single_quoted()))
            elif character == '"' and self._quotes:
                result.append(self._add(self._double_quoted()))
            elif character == "$":
                result.append(self._add(self._variable(), divide=not self._depth))
            elif character == self._escape:
                result.append(self._add(self._escaped()))
            else:
                self._at += 1
                result.append(self._add(character, divide=not self._depth))
        return "".join(result)

    def _add(self, piece: str, *, divide: bool = False) -> str:
        if self._depth:
            return piece
        if not divide:
            self._word.append(piece)
            self._is_word = True
            return piece
        for part in re.split(r"(\s+)", piece):
            if part.isspace():
                self._end_word()
            elif part:
                self._word.append(part)
                self._is_word = True
        return piece

    def _end_word(self) -> None:
        if self._is_word:
            self.words.append("".join(self._word))
        self._word.clear()
        self._is_word = False

    def _escaped(self) -> str:
        self._at += 1
        if self._at >= len(self._text.text):
            return "" if self._quotes else self._escape
        character = self._text.text[self._at]
        self._at += 1
        return character if self._quotes or character in ("$", self._escape) else self._escape + character

    def _single_quoted(self) -> str:
        begin = self._at
        end = self._text.text.find("'", begin + 1)
        if end < 0:
            raise self._wrong(begin, "unexpected end of statement while looking for matching single-quote")
        self._at = end + 1
        return self._text.text[begin + 1 : end]

    def _double_quoted(self) -> str:
        begin = self._at
        self._at += 1
        result = list[str]()
        while self._at < len(self._text.text):
            character = self._text.text[self._at]
            if character == '"':
                self._at += 1
                return "".join(result)
            if character == "$":
                result.append(self._variable())
            elif character == self._escape:
                following = self._text.text[self._at + 1 : self._at + 2]
                kept = "" if following and following in f'"${self._escape}' else character
                result.append(kept + following)
                self._at += 2
            else:
                result.append(character)
                self._at += 1
        raise self._wrong(begin, "unexpected end of statement while looking for matching double-quote")

    def _variable(self) -> str:
        begin = self._at
        self._at += 1
        if self._text.text[self._at : self._at + 1] == "{":
            self._at += 1
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._wrong(begin, f"more than {_DEEPEST} substitutions inside of each other")
            try:
                return self._substitution(begin)
            finally:
                self._depth -= 1
        found = _NAME.match(self._text.text, self._at)
        if found is None:
            return "$"
        self._at = found.end()
        return self._variables.get(found[0], "")

    def _substitution(self, begin: int) -> str:
        """After ``${``."""
        found = _NAME.match(self._text.text, self._at)
        if found is None:
            raise self._wrong(begin, "bad substitution: no name of a variable")
        name, self._at = found[0], found.end()
        operator = re.compile(r":[-+?]|##?|%%?|//?|[-+?]").match(self._text.text, self._at)
        if self._text.text[self._at : self._at + 1] == "}":
            self._at += 1
            return self._variables.get(name, "")
        if operator is None:
            what = self._text.text[self._at : self._at + 2]
            shown = what[:1] if what[:1] != ":" else what
            raise self._wrong(
                self._at if shown else begin,
                f"unsupported modifier ({shown}) in substitution" if shown else "syntax error: missing '}'",
            )
        self._at = operator.end()
        if operator[0] in ("/", "//"):
            return self._replaced(begin, name, everywhere=operator[0] == "//")
        word = self._until("}")
        self._close(begin)
        return self._modified(begin, name, operator[0], word)

    def _close(self, begin: int) -> None:
        if self._text.text[self._at : self._at + 1] != "}":
            raise self._wrong(begin, "syntax error: missing '}'")
        self._at += 1

    def _modified(self, begin: int, name: str, operator: str, word: str) -> str:
        value = self._variables.get(name)
        if operator[0] in "#%":
            return _trimmed(value or "", word, operator)
        there = value is not None and (bool(value) or operator[0] != ":")
        if operator[-1] == "+":
            return word if there else ""
        if there:
            return value or ""
        if operator[-1] == "?":
            raise self._wrong(begin, f"{name}: {word or 'not allowed to be unset or empty'}")
        return word

    def _replaced(self, begin: int, name: str, *, everywhere: bool) -> str:
        pattern = self._until("/}")
        replacement = ""
        if self._text.text[self._at : self._at + 1] == "/":
            self._at += 1
            replacement = self._until("}")
        self._close(begin)
        value = self._variables.get(name, "")
        if not pattern:
            return value
        return re.sub(_glob(pattern), lambda _: replacement, value, count=0 if everywhere else 1, flags=re.DOTALL)

    def _wrong(self, offset: int, message: str) -> Exception:
        return self._source.error(self._text.at(min(offset, len(self._text.text))), message)


def _trimmed(value: str, pattern: str, operator: str) -> str:
    """``#`` takes the shortest beginning away, ``##`` the longest; ``%`` and ``%%`` the end."""
    expression = re.compile(_glob(pattern), re.DOTALL)
    lengths = range(len(value) + 1) if len(operator) == 1 else range(len(value), -1, -1)
    for length in lengths:
        if operator[0] == "#":
            if expression.fullmatch(value, 0, length):
                return value[length:]
        elif expression.fullmatch(value, len(value) - length):
            return value[: len(value) - length]
    return value


def _glob(pattern: str) -> str:
    """A shell pattern as an expression: runs of stars are one, so that none takes the square of its time over and over."""
    result, at = list[str](), 0
    while at < len(pattern):
        character = pattern[at]
        if character == "*":
            while pattern[at + 1 : at + 2] == "*":
                at += 1
            result.append(".*")
        elif character == "?":
            result.append(".")
        elif character == "\\" and at + 1 < len(pattern):
            at += 1
            result.append(re.escape(pattern[at]))
        else:
            result.append(re.escape(character))
        at += 1
    return "".join(result)
