"""Many containers at once: ``python -m benchmarks.crowd [COUNT]`` starts that many monitored idle ones, weighs their monitors, ends them.

Not beside a peer: what it tells is whether all of them start and stop, how long one takes when there are many, and what one keeps.
Ends with exit code 1 when the target is missed or one of them failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attrs import frozen

from benchmarks.machine import Machine
from benchmarks.measure import Sample, timed
from benchmarks.stage import Stage, stage
from pyrunc import Container, Runtime, Spec, Stdio

COUNT = 500
_LIMIT_KIB = 300
_MILLISECONDS = 1e3


@frozen
class Crowd:
    """Seconds that each start and each end took, in order, and the KiB (PSS) of each monitor while all of them lived."""

    starts: Sample
    ends: Sample
    kibibytes: Sample


def measure(runtime: Runtime, spec: Spec, count: int) -> Crowd:
    """Raises what pyrunc raises for the first that fails; those that live are ended then, too."""
    living: list[Container] = []
    with _ended(living):
        starts = _each(count, lambda number: living.append(_start(runtime, spec, f"c{number}")))
        kibibytes = Sample(tuple(float(_pss(_parent_of(container.pid))) for container in living))
        ends = _each(count, lambda _: living.pop().delete(force=True))
    if left := runtime.ids():
        raise RuntimeError(f"{len(left)} containers are left")
    return Crowd(starts, ends, kibibytes)


def _start(runtime: Runtime, spec: Spec, name: str) -> Container:
    own = spec.with_linux(cgroups_path=f"{spec.linux.cgroups_path if spec.linux else ''}/{name}")
    container = runtime.create(name, "/", spec=own, stdio=Stdio.pipes(), monitor=True)
    container.start()
    return container


def _each(count: int, do: Callable[[int], object]) -> Sample:
    return Sample(tuple(timed(partial(do, number)) for number in range(count)))


@contextmanager
def _ended(living: list[Container]) -> Iterator[None]:
    try:
        yield
    finally:
        while living:
            living.pop().delete(force=True)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("PPid:")[2].split()[0])


def _pss(pid: int) -> int:
    """KiB: the process's own pages, and its share of those that it has in common with others."""
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0])


def _specification(made: Stage) -> Spec:
    spec = Spec.load(made.bundle("wait", "crowd") / "config.json")
    # The limits are of no matter here, and hundreds of them would be more than the machine has.
    return spec.with_linux(resources=None, cgroups_path=f"/{made.name}-crowd")


def main(arguments: list[str]) -> int:
    """Returns 1 when a monitor is heavier than it may be."""
    count = int(arguments[0]) if arguments else COUNT
    print(f"{Machine.here().sentence()}\n", flush=True)
    with stage() as made:
        crowd = measure(Runtime(made.directory / "crowd"), _specification(made), count)
        for hierarchy in Path("/sys/fs/cgroup").glob(f"*/{made.name}-crowd"):  # ours to make, and not a container's
            hierarchy.rmdir()
    print(f"| {count} idle containers, monitored | min | median | p95 |\n| --- | --: | --: | --: |")
    for name, sample, factor in (
        ("create and start, ms", crowd.starts, _MILLISECONDS),
        ("delete --force, ms", crowd.ends, _MILLISECONDS),
        ("monitor's PSS, KiB", crowd.kibibytes, 1),
    ):
        print(f"| {name} | {sample.least * factor:.2f} | {sample.median * factor:.2f} | {sample.p95 * factor:.2f} |")
    heaviest = max(crowd.kibibytes.seconds)
    print(f"\nall {count} started and stopped; the heaviest monitor has {heaviest:.0f} KiB, {_LIMIT_KIB} are allowed")
    return 0 if heaviest <= _LIMIT_KIB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
