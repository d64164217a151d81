"""One more process in a container that runs: ``exec`` of a static ``true``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import evolve

from benchmarks.commands import Timer, timer
from benchmarks.lifecycle import UNIFIED
from benchmarks.measure import Comparison, Contender, timed
from benchmarks.stage import Stage
from pyrunc import Container, Process, Runtime, Stdio
from pyrunc.spec import Spec


@contextmanager
def library(stage: Stage) -> Iterator[Comparison]:
    """pyrunc's exec as a library beside ``runc exec`` and ``crun exec``, each in a container of its own kind."""
    bundle = stage.bundle("wait", "pyrunc")
    process = _process(bundle)
    with ExitStack() as stack:
        container = stack.enter_context(_ours(stage, bundle))
        contenders = [
            Contender("pyrunc library", lambda: timed(lambda: _once(container, process, monitor=False))),
            Contender("pyrunc library, monitored", lambda: timed(lambda: _once(container, process, monitor=True))),
        ]
        for program in ("runc", "crun"):
            hide = UNIFIED if program == "crun" and Path(UNIFIED).exists() else None
            started = stack.enter_context(timer(hide=hide))
            command = [shutil.which(program) or program, "--root", str(stage.directory / f"{program}-exec")]
            stack.enter_context(_theirs(started, command, stage.bundle("wait", program), f"{stage.name}-{program}"))
            contenders.append(
                Contender(f"{program} exec", started.times(*command, "exec", f"{stage.name}-{program}", "/true"))
            )
        yield Comparison(
            "exec",
            "exec in a running container, to its end",
            tuple(contenders),
            targets={"runc exec": 1 / 5},
            notes=(
                "Each runtime's container was made by itself from the same bundle, but for the path of the cgroup.",
            ),
        )


def _process(bundle: Path) -> Process:
    process = Spec.load(bundle / "config.json").process
    assert process is not None
    return evolve(process, args=("/true",))


def _once(container: Container, process: Process, *, monitor: bool) -> None:
    execution = container.exec(process, stdio=Stdio.null(), monitor=monitor)
    status = execution.wait()
    execution.delete()
    assert status.code == 0, status


@contextmanager
def _ours(stage: Stage, bundle: Path) -> Iterator[Container]:
    container = Runtime(stage.directory / "pyrunc-exec").create("waits", bundle, stdio=Stdio.null(), monitor=True)
    try:
        container.start()
        yield container
    finally:
        container.delete(force=True)


@contextmanager
def _theirs(started: Timer, command: list[str], bundle: Path, name: str) -> Iterator[None]:
    started.run([*command, "run", "--detach", "--bundle", str(bundle), name])
    try:
        yield
    finally:
        started.run([*command, "delete", "--force", name])
