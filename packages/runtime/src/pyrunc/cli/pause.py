"""``pyrunc pause``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    return container_parser("pause", "Freeze all processes of a container.")


def _run(arguments: Namespace, options: Globals) -> int:
    options.runtime().get(arguments.container).pause()
    return 0


COMMAND = Command(parser=_parser, run=_run)
