"""pflag's syntax for flags, which docker's users type, rewritten to what click reads.

The two agree on most of it. pflag also takes ``--rm=true``, ``--sig-proxy=false``, ``-t=false``, ``-e=NAME=value`` and ``-it``
with a value at its end; click has no values for switches and would keep the equals sign of a short flag.
Source: the syntax section of pflag's README.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from pyctl.errors import InvalidValue

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


@attrs.frozen
class Flag:
    """One flag: whether it takes a value; what to type for a switch to be on, and to be off (None: leave it away)."""

    takes_value: bool
    on: str = ""
    off: str | None = None


def normalize(args: Sequence[str], flags: Mapping[str, Flag], *, interspersed: bool) -> list[str]:
    """Rewrite the flags among the arguments; with ``interspersed`` false, nothing after the first operand is a flag.

    Raises `InvalidValue` for a switch whose value is no boolean.
    """
    result: list[str] = []
    rest = iter(args)
    for argument in rest:
        if argument == "--" or not _is_flag(argument):
            result.append(argument)
            if argument == "--" or not interspersed:
                break
        elif argument.startswith("--"):
            result += _long(argument, flags, rest)
        else:
            result += _cluster(argument, flags, rest)
    return [*result, *rest]


def _is_flag(argument: str) -> bool:
    return len(argument) > 1 and argument.startswith("-")


def _long(argument: str, flags: Mapping[str, Flag], rest: Iterator[str]) -> list[str]:
    name, has_value, value = argument.partition("=")
    flag = flags.get(name)
    if flag is None:
        return [argument]
    if flag.takes_value:
        # The next argument is this flag's value, however it looks.
        return [argument] if has_value else [argument, *_next(rest)]
    return _switch(name, flag, value) if has_value else [argument]


def _cluster(argument: str, flags: Mapping[str, Flag], rest: Iterator[str]) -> list[str]:
    result: list[str] = []
    for position, letter in enumerate(argument[1:], start=2):
        name, tail = "-" + letter, argument[position:]
        flag = flags.get(name)
        if flag is None:
            return [*result, name + tail]
        if flag.takes_value:
            # pflag: one equals sign between a short flag and its value is no part of the value.
            return [*result, name, tail.removeprefix("=")] if tail else [*result, name, *_next(rest)]
        if tail.startswith("="):
            return [*result, *_switch(name, flag, tail[1:])]
        result.append(name)
    return result


def _next(rest: Iterator[str]) -> list[str]:
    return [value for value in [next(rest, None)] if value is not None]


def _switch(name: str, flag: Flag, value: str) -> list[str]:
    if value in _TRUE:
        return [flag.on]
    if value in _FALSE:
        return [flag.off] if flag.off else []
    raise InvalidValue(f'invalid argument "{value}" for "{name}" flag: expected true or false')
