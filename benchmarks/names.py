"""Names of containers, asked for from within one of them: the embedded DNS servers of both daemons."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks import engines
from benchmarks.daemons import refusal
from benchmarks.engines import IMAGE, Engine
from benchmarks.measure import Comparison, Contender, NotComparable
from benchmarks.programs import compile_static
from benchmarks.stage import Stage

_COUNT = 10_000
_NETWORK = "names"


@contextmanager
def at_once(stage: Stage) -> Iterator[Comparison]:
    """64 questions that wait for their answers at any moment."""
    with _compared(stage, "names-at-once", 64) as comparison:
        yield comparison


@contextmanager
def in_turn(stage: Stage) -> Iterator[Comparison]:
    """One question after the other."""
    with _compared(stage, "names-in-turn", 1) as comparison:
        yield comparison


@contextmanager
def _compared(stage: Stage, name: str, window: int) -> Iterator[Comparison]:
    program = stage.directory / "names"
    compile_static("names", program)
    with ExitStack() as stack:
        contenders = []
        for daemon, start in (("pydockerd", engines.networked_pydockerd), ("dockerd", engines.networked_dockerd)):
            directory, label = stage.directory / f"{daemon}-{name}", f"{stage.name}-{name}-{daemon}"
            try:
                engine = stack.enter_context(start(directory, label))
            except NotComparable as reason:
                contenders.append(Contender(daemon, refusal(reason)))
                continue
            pid = stack.enter_context(_asker(engine))
            contenders.append(Contender(daemon, _asking(program, pid, window)))
        yield Comparison(
            name,
            f"{_COUNT:,} look-ups of a container's name, {window} at once",
            tuple(contenders),
            targets={"dockerd": 1.0},
            notes=("dockerd runs in a network namespace of its own, with its bridge and its packet filter rules.",),
            warm_up=1,
        )


@contextmanager
def _asker(engine: Engine) -> Iterator[int]:
    """A container on a network of its own, beside one that is called ``web``; its pid."""
    engine.docker("network", "create", _NETWORK)
    for name in ("web", "asker"):
        engine.docker("run", "-d", "--name", name, "--network", _NETWORK, IMAGE, "busybox", "sleep", "100000")
    api = engine.connect()
    with closing(api.connection):
        pid = api.request("GET", "/containers/asker/json")["State"]["Pid"]
    yield pid
    engine.docker("rm", "-f", "web", "asker")
    engine.docker("network", "rm", _NETWORK)


def _asking(program: Path, pid: int, window: int) -> Callable[[], float]:
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", str(program), "127.0.0.11", "web", str(_COUNT), str(window)]

    def once() -> float:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout) / 1e9

    return once
