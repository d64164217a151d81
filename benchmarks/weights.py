"""What the daemons weigh: ``python -m benchmarks.weights`` prints the memory (PSS) of each when it is idle, and what each running container adds.

Ends with exit code 1 when a target is missed: six tenths of dockerd and its containerd together, and a sixth of containerd's shim.
"""

from __future__ import annotations

import statistics
import sys
from contextlib import closing
from pathlib import Path

from attrs import frozen

from benchmarks.crowds import SLEEPER, remove, start
from benchmarks.engines import Api, Engine, dockerd, pydockerd
from benchmarks.machine import Machine
from benchmarks.stage import Stage, stage

CONTAINERS = 20
IDLE_TARGET, CONTAINER_TARGET = 0.6, 1 / 6
_SETTLED = 5
"""Containers that come and go before it is weighed: everything that is imported for a container is imported then."""


@frozen
class Weight:
    """KiB: of the daemon's processes with no container, of what stands above each container, and by how much the daemon grew for each."""

    idle: int
    above: float
    growth: float


def weigh(engine: Engine) -> Weight:
    """Weigh one daemon. It has no containers before, nor after."""
    daemons = _processes(engine)
    with closing(engine.connect().connection) as connection:
        api = Api(connection)
        for _ in range(_SETTLED):
            remove(api, start(api, SLEEPER))
        idle = sum(_pss(pid) for pid in daemons)
        living = [start(api, SLEEPER) for _ in range(CONTAINERS)]
        pids = [int(api.request("GET", f"/containers/{each}/json")["State"]["Pid"]) for each in living]
        above = statistics.median(_pss(_parent_of(pid)) for pid in pids)
        grown = sum(_pss(pid) for pid in daemons) - idle
        for each in living:
            remove(api, each)
    return Weight(idle, above, grown / CONTAINERS)


def _processes(engine: Engine) -> list[int]:
    """Those of the daemon itself: what has its directory among its arguments."""
    wanted = str(engine.directory).encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and wanted in _read(entry / "cmdline")
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("PPid:")[2].split()[0])


def _pss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0])


def measure(made: Stage) -> dict[str, Weight]:
    """Each alone on the machine, as far as we are concerned: what they share with each other would make both lighter."""
    found = {}
    for name, engine_of in (("pydockerd", pydockerd), ("dockerd", dockerd)):
        with engine_of(made.directory / f"{name}-weight", f"{made.name}-weight-{name}") as engine:
            found[name] = weigh(engine)
    return found


def main() -> int:
    """Returns 1 when a target is missed."""
    print(f"{Machine.here().sentence()}\n", flush=True)
    with stage() as made:
        found = measure(made)
    print("| KiB (PSS) | idle | above each container | growth for each |\n| --- | --: | --: | --: |")
    for name, weight in found.items():
        print(f"| {name} | {weight.idle} | {weight.above:.0f} | {weight.growth:.0f} |")
    ours, theirs = found["pydockerd"], found["dockerd"]
    ratios = (ours.idle / theirs.idle, IDLE_TARGET), (ours.above / theirs.above, CONTAINER_TARGET)
    told = [f"{ratio:.2f}, {limit:.2f} allowed" for ratio, limit in ratios]
    print(f"\nidle: {told[0]}; each container: {told[1]}")
    return 0 if all(ratio <= limit for ratio, limit in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
