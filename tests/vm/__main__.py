"""``python -m tests.vm [bare|systemd]… [pytest's arguments]``: the tests on kinds of host that this machine is not.

Exit code 1 when a test failed in a machine, or a machine told nothing; else 0.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.vm import debian, machine, payload, selection
from tests.vm.machine import INITS, Init, Report

SECONDS: Final = 1800.0
"""For one machine; what is not finished then fails."""


def main(arguments: list[str]) -> int:
    """Run one machine after the other: two at a time would wait for each other. The next one runs also where one has failed."""
    inits, rest = chosen(arguments)
    made = debian.cached()
    with tempfile.TemporaryDirectory(prefix="vm.") as name:
        return max([_ended(made, init, rest or selection.default(init), Path(name)) for init in inits])


def chosen(arguments: list[str]) -> tuple[list[Init], list[str]]:
    """The machines named first, or all, and what is left for pytest."""
    named = [init for init in INITS if init in arguments[: len(INITS)]]
    return named or list(INITS), [argument for argument in arguments if argument not in INITS]


def _ended(made: debian.Machine, init: Init, arguments: list[str], scratch: Path) -> int:
    disk = scratch / f"{init}.payload"
    payload.make(disk, arguments)
    try:
        return verdict(_told(made, init, disk, scratch))
    except machine.MachineFailed as failure:
        print(f"=== {failure} ===", flush=True)
        return 1
    finally:
        disk.unlink()


def _told(made: debian.Machine, init: Init, disk: Path, scratch: Path) -> Report:
    print(f"=== {_qemu_version()}, TCG: {init} ===", flush=True)
    began = time.monotonic()
    report = machine.run(made, disk, init, scratch, SECONDS)
    counts = ", ".join(f"{len(names)} {outcome}" for outcome, names in report.outcomes.items() if names)
    print(
        f"=== {init}: Linux {report.kernel}, process 1 {report.init}, cgroup {report.cgroup}: {counts};"
        f" booted in {report.boot_seconds:.1f} s, tests {report.test_seconds:.0f} s,"
        f" machine {time.monotonic() - began:.0f} s ===",
        flush=True,
    )
    return report


def verdict(report: Report) -> int:
    """0 only where tests ran and all of them passed."""
    return int(
        report.exit_code != 0
        or bool(report.outcomes["failed"] or report.outcomes["error"])
        or not report.outcomes["passed"]
    )


def _qemu_version() -> str:
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0].partition(" (")[0]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except payload.WrongPython as failure:
        sys.exit(str(failure))
