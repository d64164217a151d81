"""``pyrunc ps``."""

from __future__ import annotations

import json
import subprocess

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.errors import PyruncError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

_DEFAULT = ("-ef",)


def _parser() -> Parser:
    parser = container_parser("ps", "List the processes of a container.", usage="container-id [ps options]")
    parser.add_argument("--format", "-f", choices=("table", "json"), default="table", help="json: the pids alone")
    parser.add_argument("ps", nargs="...", metavar="ps options", help="for ps(1) (default: -ef)")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    pids = options.runtime().get(arguments.container).processes()
    if arguments.format == "json":
        print(json.dumps(pids))
    else:
        print(_table(pids, tuple(arguments.ps) or _DEFAULT), end="")
    return 0


def _table(pids: list[int], ps_options: tuple[str, ...]) -> str:
    """The lines of ps(1) that are of the container, and the heading, which says where to find the pid."""
    try:
        listed = subprocess.run(["ps", *ps_options], capture_output=True, text=True)
    except FileNotFoundError:
        raise PyruncError("ps needs the program ps: install the package procps, or use --format json") from None
    if listed.returncode:
        raise PyruncError(f"ps: {listed.stderr.strip()}")
    heading, *lines = listed.stdout.splitlines()
    column = heading.split().index("PID") if "PID" in heading.split() else None
    if column is None:
        raise PyruncError("these options of ps leave out the column PID, by which the container's processes are found")
    wanted = {str(pid) for pid in pids}
    return "".join(f"{line}\n" for line in [heading, *(line for line in lines if line.split()[column] in wanted)])


COMMAND = Command(parser=_parser, run=_run)
