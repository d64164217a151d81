"""Parsing of command lines with nothing unusual in them, with the result that argparse would have; None for all others.

Usual are ``--option value``, ``--option=value`` and ``-o value`` with options written out, and values that don't begin with ``-``.
A test compares the results with argparse's.
"""

from __future__ import annotations

from types import SimpleNamespace

from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_REST = "..."


@frozen
class Argument:
    """What was given to ``add_argument``. Known settings: action (store_true, append), nargs (?, ...), type, choices, default."""

    names: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def positional(self) -> bool:
        """Told by its place, not by its name."""
        return not self.names[0].startswith("-")

    @property
    def target(self) -> str:
        """The attribute that gets the value."""
        return self.names[0].lstrip("-").replace("-", "_")

    @property
    def default(self) -> Any:
        """The value where it is not given."""
        action = self.settings.get("action")
        if action == "store_true":
            return False
        if action == "append" or self.settings.get("nargs") == _REST:
            return list(self.settings.get("default", ()))
        return self.settings.get("default")

    def converted(self, text: str) -> Any:
        """Raises ValueError, or what its type raises."""
        value = self.settings.get("type", str)(text)
        if value not in self.settings.get("choices", (value,)):
            raise ValueError(text)
        return value


class _Unusual(Exception):  # noqa: N818 - argparse decides whether it is an error
    """Left to argparse."""


def parse(declared: Sequence[Argument], line: Sequence[str]) -> SimpleNamespace | None:
    """The values, or None where argparse should look: at help, at mistakes, and at what is written in an unusual way."""
    found = SimpleNamespace(**{argument.target: argument.default for argument in declared})
    positional = [argument for argument in declared if argument.positional]
    options = {name: argument for argument in declared if not argument.positional for name in argument.names}
    try:
        _take_positional(positional, _take_options(options, positional, line, found), found)
    except Exception:
        return None
    return found


def _take_options(
    options: dict[str, Argument], positional: Sequence[Argument], line: Sequence[str], found: SimpleNamespace
) -> Sequence[str]:
    """Set the options of ``line``; the words that belong to none. After the first such word all do, where the last positional takes all."""
    takes_all = any(argument.settings.get("nargs") == _REST for argument in positional)
    words: list[str] = []
    index = after = 0
    while index < len(line):
        word = line[index]
        if not word.startswith("-"):
            if takes_all:
                return line[index:]
            if words and index != after:
                raise _Unusual  # argparse fills optional positionals from the first of two separate groups
            words.append(word)
            index = after = index + 1
        else:
            index += _take_option(options, word, line[index + 1 : index + 2], found)
    return words


def _take_option(options: dict[str, Argument], word: str, following: Sequence[str], found: SimpleNamespace) -> int:
    """Set one option; returns how many words it took."""
    name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
    option = options.get(name)
    if option is None:
        raise _Unusual
    action = option.settings.get("action")
    if action == "store_true":
        if equals:
            raise _Unusual
        setattr(found, option.target, True)
        return 1
    if not equals:
        if not following or following[0].startswith("-"):
            raise _Unusual
        value = following[0]
    converted = option.converted(value)
    if action == "append":
        getattr(found, option.target).append(converted)
    else:
        setattr(found, option.target, converted)
    return 1 if equals else 2


def _take_positional(positional: Sequence[Argument], words: Sequence[str], found: SimpleNamespace) -> None:
    left = list(words)
    for argument in positional:
        nargs = argument.settings.get("nargs")
        if nargs == _REST:
            if "--" in left:
                raise _Unusual
            setattr(found, argument.target, left)
            left = []
        elif left:
            setattr(found, argument.target, argument.converted(left.pop(0)))
        elif nargs != "?":
            raise _Unusual
    if left:
        raise _Unusual
