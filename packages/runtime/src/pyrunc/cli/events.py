"""``pyrunc events``."""

from __future__ import annotations

import json
import re

from pyrunc.cli.command import Command
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.cli.stats_json import stats_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def _parser() -> Parser:
    about = "Print one line of JSON for each event: memory that was used up, and at intervals what the container uses."
    parser = container_parser("events", about)
    parser.add_argument("--interval", metavar="DURATION", type=duration, default=5.0, help="such as 1s (default: 5s)")
    parser.add_argument("--stats", action="store_true", help="print what it uses now, and no more")
    return parser


def duration(text: str) -> float:
    """Seconds of Go's notation: ``1m30s``, ``500ms``."""
    from argparse import ArgumentTypeError

    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ArgumentTypeError(f"expected a duration such as 5s or 500ms, got {text!r}")
    seconds: float = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise ArgumentTypeError("the interval must be above 0")
    return seconds


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.events import OomEvent
    from pyrunc.facts import Facts

    container = options.runtime().get(arguments.container)
    v2 = Facts.probe().cgroup_mode == "v2"
    if arguments.stats:
        _print("stats", container.id, stats_json(container.stats(), v2=v2))
        return 0
    for event in container.events(arguments.interval):
        if isinstance(event, OomEvent):
            _print("oom", container.id)
        else:
            _print("stats", container.id, stats_json(event.stats, v2=v2))
    return 0


def _print(kind: str, container: str, data: dict[str, Any] | None = None) -> None:
    """At once: who reads it waits for it."""
    event = {"type": kind, "id": container} | ({} if data is None else {"data": data})
    print(json.dumps(event, separators=(",", ":")), flush=True)


COMMAND = Command(parser=_parser, run=_run)
