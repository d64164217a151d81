"""``pyrunc list``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser
from pyrunc.errors import ContainerNotFound, StateError
from pyrunc.model import evolve
from pyrunc.runtime import Runtime
from pyrunc.state import State, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

_HEADINGS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")
_LEAST_WIDTH, _GAP = 12, 3
"""Those of runc's table."""


def _parser() -> Parser:
    parser = Parser("list", "List the containers below the root.")
    parser.add_argument("--format", "-f", choices=("table", "json"), default="table", help="the form of the list")
    parser.add_argument("--quiet", "-q", action="store_true", help="print ids only")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    runtime = options.runtime()
    if arguments.quiet:
        print("".join(f"{name}\n" for name in runtime.ids()), end="")
        return 0
    states = _states(runtime)
    if arguments.format == "json":
        print(json.dumps([state.to_json() for state in states]) if states else "null")  # null, as runc has it
    else:
        print(_table([_HEADINGS, *map(_row, states)]), end="")
    return 0


def _states(runtime: Runtime) -> list[State]:
    """All that can be read; of the others standard error is told, as in runc."""
    states = []
    for name in runtime.ids():
        try:
            states.append(evolve(runtime.get(name).state(), owner=_owner(runtime, name)))
        except StateError as error:
            print(f"load container {name}: {error}", file=sys.stderr)
        except (ContainerNotFound, FileNotFoundError):
            continue  # deleted meanwhile
    return states


def _owner(runtime: Runtime, id: str) -> str:
    """Who made the container, by name where the user has one."""
    from pwd import getpwuid

    uid = os.stat(os.path.join(runtime.root, id)).st_uid
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _row(state: State) -> tuple[str, ...]:
    created = rfc3339(state.created)
    return (state.id, str(state.pid), state.status.value, str(state.bundle), created, state.owner)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(_LEAST_WIDTH, *(len(cell) + _GAP for cell in column)) for column in zip(*rows, strict=True)]
    lines = ("".join(cell.ljust(width) for cell, width in zip(row, (*widths[:-1], 0), strict=True)) for row in rows)
    return "".join(f"{line}\n" for line in lines)


COMMAND = Command(parser=_parser, run=_run)
