"""``python -m benchmarks [NAME…] [--rounds N]``: measure, print, and write the figures down."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from benchmarks import crowds, daemons, executions, lifecycle, logs, names, pulls, streams, unpack
from benchmarks.machine import Machine
from benchmarks.measure import Comparison, Outcome, compare
from benchmarks.report import document, table, text
from benchmarks.stage import Stage, stage

_RESULTS = Path(__file__).with_name("results")


@frozen
class _Benchmark:
    prepare: Callable[[Stage], AbstractContextManager[Comparison]]
    rounds: int


_BENCHMARKS = {
    "library": _Benchmark(lifecycle.library, 100),
    "command": _Benchmark(lifecycle.command, 50),
    "exec": _Benchmark(executions.library, 100),
    "docker-run": _Benchmark(daemons.docker_run, 40),
    "api": _Benchmark(daemons.api, 60),
    "docker-exec": _Benchmark(streams.docker_exec, 40),
    "start-100": _Benchmark(crowds.starting_alone, 3),
    "start-100-by-8": _Benchmark(crowds.starting, 3),
    "remove-100-by-8": _Benchmark(crowds.removing, 3),
    "exec-out": _Benchmark(streams.exec_out, 7),
    "exec-in": _Benchmark(streams.exec_in, 7),
    "attach-out": _Benchmark(streams.attach_out, 7),
    "archive-out": _Benchmark(streams.archive_out, 7),
    "archive-in": _Benchmark(streams.archive_in, 7),
    "logs-write": _Benchmark(logs.writing, 5),
    "logs-read": _Benchmark(logs.reading, 5),
    "logs-api": _Benchmark(logs.api, 5),
    "unpack": _Benchmark(unpack.plain, 5),
    "unpack-gzip": _Benchmark(unpack.compressed, 3),
    "import": _Benchmark(unpack.importing, 3),
    "pull": _Benchmark(pulls.first, 5),
    "pull-again": _Benchmark(pulls.again, 20),
    "names-at-once": _Benchmark(names.at_once, 10),
    "names-in-turn": _Benchmark(names.in_turn, 10),
}


def main(arguments: list[str]) -> int:
    """Returns 1 when a target was missed."""
    options = _parser().parse_args(arguments)
    machine = Machine.here()
    print(f"{machine.sentence()}\n", flush=True)
    outcomes = []
    with stage() as made:
        for name in options.names or _BENCHMARKS:
            benchmark = _BENCHMARKS[name]
            with benchmark.prepare(made) as comparison:
                outcomes.append(compare(comparison, options.rounds or benchmark.rounds))
            print(f"{table(outcomes[-1])}\n", flush=True)
    _write(outcomes, machine, options.output)
    misses = [line for outcome in outcomes for line in outcome.misses()]
    for line in misses:
        print(f"target missed: {line}", file=sys.stderr)
    return 1 if misses else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*_BENCHMARKS, []], metavar="NAME", help=f"of {', '.join(_BENCHMARKS)}; all"
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured (default: each benchmark's own number)")
    parser.add_argument(
        "--output", type=Path, help="the JSON file to write (default: results/DATE.json when all were measured)"
    )
    return parser


def _write(outcomes: list[Outcome], machine: Machine, output: Path | None) -> None:
    day = datetime.now(UTC).date().isoformat()
    if output is None and len(outcomes) < len(_BENCHMARKS):
        return
    target = output or _RESULTS / f"{day}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text(document(outcomes, machine, day)))
    print(f"written to {target.name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
