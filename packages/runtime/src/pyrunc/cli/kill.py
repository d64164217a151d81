"""``pyrunc kill``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.errors import InvalidState, PyruncError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = container_parser(
        "kill", "Send a signal to the first process of a container.", usage="container-id [signal]"
    )
    parser.add_argument("signal", nargs="?", default="TERM", help="a name or a number (default: TERM)")
    parser.add_argument("--all", "-a", action="store_true", help="to all processes of the container")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    container = options.runtime().get(arguments.container)
    try:
        container.kill(arguments.signal, all=arguments.all)
    except InvalidState as error:
        # containerd takes an ended container for one by these words of runc's.
        raise PyruncError(f"container not running: {error}") from error
    return 0


COMMAND = Command(parser=_parser, run=_run)
