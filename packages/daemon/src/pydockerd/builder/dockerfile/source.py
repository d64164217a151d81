"""The text of a Dockerfile with places in it, so that whatever is wrong can be shown where it stands.

An instruction may be spread over lines, with comments in between: a `Text` is a piece of it in one string that still knows where each character was.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from attrs import field, frozen

from pydockerd.errors import DockerfileError


@frozen(order=True)
class Position:
    """Both begin with 1."""

    line: int
    column: int


@frozen
class Text:
    """A string and where its pieces come from: ``marks`` are (offset in the string, position), in order; characters follow each other after each."""

    text: str
    marks: tuple[tuple[int, Position], ...] = field(default=((0, Position(1, 1)),), eq=False)

    def __str__(self) -> str:
        return self.text

    def __len__(self) -> int:
        return len(self.text)

    def at(self, offset: int) -> Position:
        """Where the character stands."""
        number = bisect.bisect_right(self.marks, offset, key=lambda mark: mark[0]) - 1
        begin, position = self.marks[max(number, 0)]
        return Position(position.line, position.column + offset - begin)

    @property
    def position(self) -> Position:
        """Of the first character."""
        return self.at(0)

    def part(self, begin: int, end: int | None = None) -> Text:
        """The characters from ``begin`` to ``end``."""
        stop = len(self.text) if end is None else end
        kept = tuple((offset - begin, position) for offset, position in self.marks if begin < offset < stop)
        return Text(self.text[begin:stop], ((0, self.at(begin)), *kept))

    def stripped(self) -> Text:
        """Without blanks around."""
        begin = len(self.text) - len(self.text.lstrip())
        return self.part(begin, max(begin, len(self.text.rstrip())))


def joined(pieces: Iterable[Text]) -> Text:
    """One after the other."""
    text, marks = "", list[tuple[int, Position]]()
    for piece in pieces:
        marks += [(offset + len(text), position) for offset, position in piece.marks]
        text += piece.text
    return Text(text, tuple(marks) or ((0, Position(1, 1)),))


@frozen
class Source:
    """A whole file, for errors: ``name`` is what it is called in its context."""

    name: str
    lines: tuple[str, ...]

    def error(self, where: Position | Text, message: str) -> DockerfileError:
        """The error with its place, the line and a caret below the column."""
        position = where.position if isinstance(where, Text) else where
        return DockerfileError(
            message, name=self.name, line=position.line, column=position.column, shown=self._shown(position)
        )

    def _shown(self, position: Position) -> str:
        if not 1 <= position.line <= len(self.lines):
            return ""
        line = self.lines[position.line - 1].rstrip()
        if len(line) > _LONGEST:
            begin = max(0, min(position.column - _LONGEST // 2, len(line) - _LONGEST))
            return _caret(position.line, line[begin : begin + _LONGEST], position.column - begin)
        return _caret(position.line, line, position.column)


_LONGEST = 160


def _caret(number: int, line: str, column: int) -> str:
    """A tab stays one in front of the caret, so that both lines are as wide."""
    before = "".join("\t" if character == "\t" else " " for character in line[: column - 1].ljust(column - 1))
    margin = f"{number:4} | "
    return f"{margin}{line}\n{' ' * (len(margin) - 2)}| {before}^"
