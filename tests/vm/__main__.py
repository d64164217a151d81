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

from tests.vm import debian, machine, payload
from tests.vm.machine import INITS, Init, Report

TESTS: Final = ("tests/vm/guest/checks.py", "tests/runtime", "tests/supervisor")
SECONDS: Final = 1200.0
"""For one machine; what is not finished then fails."""


def main(arguments: list[str]) -> int:
    """Run one machine after the other: two at a time would wait for each other."""
    inits, rest = chosen(arguments)
    made = debian.cached()
    with tempfile.TemporaryDirectory(prefix="vm.") as name:
        disk = Path(name, "payload.ext4")
        payload.make(disk, rest or ["-v", "--no-header", *TESTS])
        reports = [_told(made, disk, init, Path(name)) for init in inits]
    return max(map(verdict, reports))


def chosen(arguments: list[str]) -> tuple[list[Init], list[str]]:
    """The machines named first, or all, and what is left for pytest."""
    named = [init for init in INITS if init in arguments[: len(INITS)]]
    return named or list(INITS), [argument for argument in arguments if argument not in INITS]


def _told(made: debian.Machine, disk: Path, init: Init, scratch: Path) -> Report:
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
    except (machine.MachineFailed, payload.WrongPython) as failure:
        sys.exit(str(failure))
