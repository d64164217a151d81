"""``pyrunc create``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.creation import add_options, check_terminal, has_terminal, load_spec, make
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = container_parser("create", "Make a container that waits to be started.")
    add_options(parser)
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    runtime, spec = options.runtime(making=True), load_spec(arguments)
    check_terminal(has_terminal(spec), arguments.console_socket, detached=True)
    make(arguments, runtime, spec)
    return 0


COMMAND = Command(parser=_parser, run=_run, failed="pyrunc create failed")
