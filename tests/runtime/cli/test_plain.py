"""Plain command lines are parsed without argparse, and as argparse would have parsed them."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module, metadata
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrunc.cli import options, plain
from pyrunc.cli.options import COMMANDS
from pyrunc.cli.parser import Parser
from pyrunc.errors import UsageError
from pyrunc.version import VERSION

PARSERS = {"": options._parser(), **{name: import_module(f"pyrunc.cli.{name}").COMMAND.parser() for name in COMMANDS}}
WORDS = [
    "name",
    "run",
    "-1",
    "0",
    "7",
    "64m",
    "json",
    "text",
    "table",
    "a b",
    "",
    "-",
    "--",
    "-x",
    "--x",
    "-h",
    "--help",
]


def quickly(parser: Parser, line: list[str]) -> SimpleNamespace | None:
    return plain.parse(parser._arguments, line)


def by_argparse(parser: Parser, line: list[str]) -> Namespace | None:
    try:
        return parser._argparse().parse_args(line)
    except (UsageError, SystemExit):
        return None


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    command = draw(st.sampled_from(sorted(PARSERS)))
    names = [name for argument in PARSERS[command]._arguments for name in argument.names if name.startswith("-")]
    words = [*WORDS, *names, *(f"{name}={value}" for name in names for value in ("", "5", "json", "a=b"))]
    return command, draw(st.lists(st.sampled_from(words), max_size=7))


@settings(max_examples=1500, deadline=None)
@given(lines())
def test_nothing_is_parsed_otherwise(drawn: tuple[str, list[str]]) -> None:
    command, line = drawn
    found = quickly(PARSERS[command], line)
    if found is not None:
        expected = by_argparse(PARSERS[command], line)
        assert expected is not None, "argparse refuses it"
        assert vars(found) == vars(expected)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (
            "",
            [
                "--root",
                "/r",
                "--log=/l",
                "--log-format",
                "json",
                "--systemd-cgroup",
                "create",
                "--bundle",
                "/b",
                "name",
            ],
        ),
        ("create", ["--bundle", "/b", "--pid-file", "/p", "--console-socket", "/c", "name"]),
        ("run", ["--bundle=/b", "-d", "--preserve-fds", "2", "name"]),
        ("run", ["name", "-b", "/b"]),
        ("exec", ["--process", "/p", "--pid-file", "/p", "--detach", "name"]),
        ("exec", ["-e", "A=1", "-e", "B=2", "name", "sh", "-c", "exit 3"]),
        ("kill", ["--all", "name", "9"]),
        ("kill", ["name"]),
        ("delete", ["--force", "name"]),
        ("ps", ["--format", "json", "name"]),
        ("list", []),
        ("update", ["--memory", "64m", "name"]),
    ],
)
def test_lines_of_callers_need_no_argparse(command: str, line: list[str]) -> None:
    found = quickly(PARSERS[command], line)
    assert found is not None
    assert vars(found) == vars(by_argparse(PARSERS[command], line) or Namespace())


def test_the_version_is_that_of_the_package() -> None:
    assert metadata.version("pyrunc") == VERSION
