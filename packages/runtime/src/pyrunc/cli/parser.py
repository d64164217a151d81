"""How arguments are declared, and parsed: plain lines here (``plain``), all others, and help, by argparse.

Importing argparse and building a parser takes a quarter of what ``pyrunc run`` takes in all, so it is left to the lines that need it.
"""

from __future__ import annotations

from pyrunc.cli.plain import Argument, parse
from pyrunc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence
    from typing import Any, NoReturn


class Parser:
    """A command's arguments. Complaints are errors like all others, and what an option could mean is never guessed at."""

    def __init__(self, name: str, about: str, *, usage: str = "", epilog: str = "") -> None:
        self.program = f"pyrunc {name}".strip()
        self._usage = f"{self.program} [options] {usage}".strip()
        self._about = about
        self._epilog = epilog
        self._arguments: list[Argument] = []

    def add_argument(self, *names: str, **settings: Any) -> None:
        """As ``ArgumentParser.add_argument``."""
        self._arguments.append(Argument(names, settings))

    def parse_args(self, arguments: Sequence[str]) -> Namespace:
        """Raises UsageError; SystemExit(0) once help is printed."""
        found: Any = parse(self._arguments, arguments)  # has the attributes of a Namespace
        return self._argparse().parse_args(arguments) if found is None else found

    def print_help(self) -> None:
        """To standard output."""
        self._argparse().print_help()

    def _argparse(self) -> ArgumentParser:
        from argparse import ArgumentParser, RawDescriptionHelpFormatter

        program = self.program

        class Complaining(ArgumentParser):
            def error(self, message: str) -> NoReturn:
                raise UsageError(f"{program}: {message}; see '{program} --help'")

        parser = Complaining(
            prog=program,
            usage=self._usage,
            description=self._about,
            epilog=self._epilog,
            allow_abbrev=False,
            formatter_class=RawDescriptionHelpFormatter,
        )
        for argument in self._arguments:
            parser.add_argument(*argument.names, **argument.settings)
        return parser


def count(text: str) -> int:
    """For an option that takes a number from 0 on."""
    if not text.isdecimal():
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"expected a number from 0 on, got {text!r}")
    return int(text)


def container_parser(name: str, about: str, *, usage: str = "container-id") -> Parser:
    """The parser of a command whose first argument is a container's id, as ``container``; of many it is the only one."""
    parser = Parser(name, about, usage=usage)
    parser.add_argument("container", metavar="container-id")
    return parser
