"""How arguments are parsed."""

from __future__ import annotations

import argparse

from pyrunc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are errors like all others, and that never guesses at what an option could mean."""

    def __init__(self, name: str, about: str, *, usage: str = "", epilog: str = "") -> None:
        program = f"pyrunc {name}".strip()
        super().__init__(
            prog=program,
            usage=f"{program} [options] {usage}".strip(),
            description=about,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(f"{self.prog}: {message}; see '{self.prog} --help'")


def count(text: str) -> int:
    """For an option that takes a number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, got {text!r}")
    return int(text)


def container_parser(name: str, about: str, *, usage: str = "container-id") -> Parser:
    """The parser of a command whose first argument is a container's id, as ``container``; of many it is the only one."""
    parser = Parser(name, about, usage=usage)
    parser.add_argument("container", metavar="container-id")
    return parser
