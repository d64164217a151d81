"""One container from nothing to nothing: create, start, wait, delete a static ``true``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from benchmarks.commands import Timer, comparable, timer
from benchmarks.measure import Comparison, Contender, timed
from benchmarks.programs import floor
from benchmarks.stage import Stage
from pyrunc import Runtime, Stdio
from pyrunc.facts import Facts

UNIFIED = "/sys/fs/cgroup/unified"

_numbers = count(1)


@contextmanager
def library(stage: Stage) -> Iterator[Comparison]:
    """pyrunc as a library, from this Python, beside ``runc run`` and ``crun run`` on the same bundle, and the floor."""
    bundle = stage.bundle("true")
    runtime = Runtime(stage.directory / "pyrunc")
    with _peers(stage, bundle) as peers, _floor(stage) as bottom:
        yield Comparison(
            "library",
            "create, start, wait, delete from a running Python",
            (
                Contender("pyrunc library", lambda: timed(lambda: _once(runtime, bundle, monitor=False))),
                Contender("pyrunc library, monitored", lambda: timed(lambda: _once(runtime, bundle, monitor=True))),
                *peers,
                Contender("floor: clone, mounts, exec in C", bottom),
            ),
            targets={"runc run": 1 / 5, "crun run": 1 / 2},
            notes=(
                "All use one bundle: namespaces pid, network, ipc, uts, mount, cgroup; memory, cpu and pids limits; docker's seccomp profile.",
                "The commands' times contain the start of a process, as who runs them pays it: a bare `true` is started likewise.",
                "The floor makes no cgroup, loads no seccomp, masks nothing, keeps no state.",
                *_crun_note(),
            ),
        )


@contextmanager
def command(stage: Stage) -> Iterator[Comparison]:
    """``pyrunc run`` as a command: a Python starts each time."""
    bundle = stage.bundle("true")
    with _peers(stage, bundle) as peers, timer() as started:
        ours = str(Path(sys.executable).with_name("pyrunc"))
        runs = [ours, "--root", str(stage.directory / "pyrunc-command"), "run", "--bundle", str(bundle)]
        yield Comparison(
            "command",
            "`pyrunc run` as a command",
            (
                Contender("pyrunc run", started.numbered(lambda: [*runs, f"{stage.name}-{next(_numbers)}"])),
                Contender("python -c pass", started.times(sys.executable, "-c", "pass")),
                *peers,
            ),
            targets={"runc run": 1.0},
            notes=("`python -c pass` is what of it is Python's own start.", *_crun_note()),
        )


def _once(runtime: Runtime, bundle: Path, *, monitor: bool) -> None:
    container = runtime.create(f"c{next(_numbers)}", bundle, stdio=Stdio.null(), monitor=monitor)
    try:
        container.start()
        status = container.wait()
    except BaseException:
        container.delete(force=True)
        raise
    container.delete()
    assert status.code == 0, status


@contextmanager
def _peers(stage: Stage, bundle: Path) -> Iterator[list[Contender]]:
    with ExitStack() as stack:
        plain = stack.enter_context(timer())
        alone = stack.enter_context(timer(hide=UNIFIED)) if Path(UNIFIED).exists() else plain
        yield [
            Contender("runc run", _runs("runc", plain, stage, bundle)),
            Contender("crun run", _runs("crun", alone, stage, bundle)),
            Contender("a bare `true`", plain.times(str(stage.rootfs / "true"))),
        ]


def _runs(program: str, started: Timer, stage: Stage, bundle: Path) -> Callable[[], float]:
    """``PROGRAM run`` with its own root and a new name each time."""
    path = shutil.which(program) or program
    root = str(stage.directory / program)
    return comparable(
        started.numbered(
            lambda: [path, "--root", root, "run", "--bundle", str(bundle), f"{stage.name}-{next(_numbers)}"]
        )
    )


@contextmanager
def _floor(stage: Stage) -> Iterator[Callable[[], float]]:
    names = [hierarchy.name for hierarchy in Facts.probe().hierarchies if not hierarchy.is_v2]
    options = [f"none,{name}" if name.startswith("name=") else name for name in names]
    with floor(stage.floor_program, stage.rootfs, options) as started:
        yield started.once


def _crun_note() -> tuple[str, ...]:
    if not Path(UNIFIED).exists():
        return ()
    return (
        "crun refuses cgroups of both versions at once: it runs in a mount namespace, made once, from which v2 is unmounted.",
    )
