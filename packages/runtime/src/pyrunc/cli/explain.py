"""``pyrunc explain``: what will be done to the machine, before it is done."""

from __future__ import annotations

import json
import os

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser
from pyrunc.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    about = "Print the operations that make a container, in order, each with its place in config.json. Nothing is done."
    parser = Parser("explain", about, usage="[bundle | container-id]")
    parser.add_argument(
        "subject", nargs="?", default=".", help="a directory with a config.json (default: here), or a container"
    )
    parser.add_argument("--format", "-f", choices=("text", "json"), default="text", help="the form of the output")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.explain import explain, explain_json

    plan = _plan(arguments.subject, options)
    if arguments.format == "json":
        print(json.dumps(explain_json(plan), indent=2))
    else:
        print(explain(plan), end="")
    return 0


def _plan(subject: str, options: Globals) -> Plan:
    """What looks like a path is one. So is what is one, unless a container has that name."""
    runtime = options.runtime(making=True)
    if "/" not in subject and subject in runtime.ids():
        return runtime.get(subject).plan()
    if "/" in subject or os.path.isdir(subject):
        return runtime.plan(subject)
    return runtime.get(subject).plan()


COMMAND = Command(parser=_parser, run=_run)
