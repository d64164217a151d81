"""``pyrunc state``."""

from __future__ import annotations

import json

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    return container_parser("state", "Print the state of a container as JSON (runtime.md, State).")


def _run(arguments: Namespace, options: Globals) -> int:
    state = options.runtime().get(arguments.container).state()
    print(json.dumps(state.to_json(), indent=2))
    return 0


COMMAND = Command(parser=_parser, run=_run)
