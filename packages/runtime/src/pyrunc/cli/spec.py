"""``pyrunc spec``."""

from __future__ import annotations

import json
import os

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser
from pyrunc.errors import PyruncError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = Parser("spec", "Write a config.json to begin with: a shell in the directory 'rootfs'.")
    parser.add_argument("--bundle", "-b", metavar="DIRECTORY", default=".", help="where to write it (default: here)")
    parser.add_argument("--rootless", action="store_true", help="for a user without the rights of root")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.spec import Spec

    spec = Spec.rootless(os.geteuid(), os.getegid()) if arguments.rootless else Spec.default()
    file = os.path.join(arguments.bundle, "config.json")
    try:
        with open(file, "x", encoding="utf-8") as config:
            config.write(json.dumps(spec.to_json(), indent="\t") + "\n")
    except FileExistsError:
        raise PyruncError(f"{file} exists: remove it first") from None
    return 0


COMMAND = Command(parser=_parser, run=_run)
