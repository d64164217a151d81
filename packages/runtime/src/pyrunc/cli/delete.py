"""``pyrunc delete``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.errors import ContainerNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = container_parser(
        "delete", "Remove what is left of a container that has ended, or of one that was never started."
    )
    parser.add_argument("--force", "-f", action="store_true", help="kill it if it runs; none of this name is no error")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    try:
        options.runtime().delete(arguments.container, force=arguments.force)
    except ContainerNotFound:
        if not arguments.force:
            raise
    return 0


COMMAND = Command(parser=_parser, run=_run)
