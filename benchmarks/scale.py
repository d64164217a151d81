"""A daemon with many containers: ``python -m benchmarks.scale [RUNNING [STOPPED]]`` tells how long a list and a start take with none and with all of them.

Beside nobody. Ends with exit code 1 when a list takes more than 200 ms, or a start more than half as long again as with no other container.
"""

from __future__ import annotations

import sys
from contextlib import closing

from attrs import frozen

from benchmarks.crowds import SLEEPER, Crew, crew, remove, start
from benchmarks.engines import IMAGE, Api, Engine, pydockerd
from benchmarks.machine import Machine
from benchmarks.measure import Sample, timed
from benchmarks.stage import stage

RUNNING, STOPPED = 500, 2000
LONGEST_LIST, SLOWER_START = 0.200, 1.5
_CLIENTS = 8
_TIMES = 20
_ENDS = {"Image": IMAGE, "Cmd": ["/bin/true"], "HostConfig": {"NetworkMode": "none"}}


@frozen
class Scale:
    """Seconds: a list of everything, one of what runs, create and start of one more, its removal."""

    everything: Sample
    running: Sample
    starts: Sample
    removals: Sample


def measure(api: Api, expected: int) -> Scale:
    """How an engine with ``expected`` containers does."""
    made: list[str] = []
    everything = _each(lambda: _listed(api, "?all=1", expected))
    running = _each(lambda: _listed(api, "", 0))
    starts = _each(lambda: made.append(start(api, SLEEPER)))
    removals = _each(lambda: remove(api, made.pop()))
    return Scale(everything, running, starts, removals)


def populate(workers: Crew, running: int, stopped: int) -> list[str]:
    """So many that sleep, and so many that have run to their end. Their ids."""
    return workers.each([_ENDS] * stopped, _ended) + workers.each([SLEEPER] * running, start)


def _ended(api: Api, body: object) -> str:
    identity = start(api, body)
    api.request("POST", f"/containers/{identity}/wait")
    return identity


def _listed(api: Api, query: str, least: int) -> None:
    found = len(api.request("GET", f"/containers/json{query}"))
    assert found >= least, (found, least)


def _each(do: object) -> Sample:
    assert callable(do)
    return Sample(tuple(timed(do) for _ in range(_TIMES)))


def compare(engine: Engine, running: int, stopped: int) -> tuple[Scale, Scale]:
    """With no containers, and with all of them."""
    with closing(engine.connect().connection) as connection, crew(engine, _CLIENTS) as workers:
        api = Api(connection)
        for _ in range(_TIMES):
            remove(api, start(api, SLEEPER))
        alone = measure(api, 0)
        living = populate(workers, running, stopped)
        crowded = measure(api, running + stopped)
        workers.each(living, remove)
    return alone, crowded


def main(arguments: list[str]) -> int:
    """Returns 1 when a target is missed."""
    running, stopped = (*map(int, arguments), *(RUNNING, STOPPED)[len(arguments) :])
    print(f"{Machine.here().sentence()}\n", flush=True)
    with stage() as made, pydockerd(made.directory / "scale", f"{made.name}-scale") as engine:
        alone, crowded = compare(engine, running, stopped)
    print(
        f"| median ms (p95) | no other container | {running} that run, {stopped} that have ended |\n| --- | --: | --: |"
    )
    for title, name in (
        ("list of all", "everything"),
        ("list of those that run", "running"),
        ("create and start one", "starts"),
        ("remove it by force", "removals"),
    ):
        cells = [_told(getattr(each, name)) for each in (alone, crowded)]
        print(f"| {title} | {cells[0]} | {cells[1]} |")
    slower = crowded.starts.median / alone.starts.median
    print(f"\na start takes {slower:.2f} times as long, {SLOWER_START} are allowed")
    return 0 if crowded.everything.median <= LONGEST_LIST and slower <= SLOWER_START else 1


def _told(sample: Sample) -> str:
    return f"{sample.median * 1000:.1f} ({sample.p95 * 1000:.1f})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
