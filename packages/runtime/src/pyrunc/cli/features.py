"""``pyrunc features``."""

from __future__ import annotations

import json

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    return Parser("features", "Print what this runtime can do as JSON (features.md).")


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.abilities import features

    print(json.dumps(features().to_json(), indent=4))
    return 0


COMMAND = Command(parser=_parser, run=_run)
