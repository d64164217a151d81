"""How long commands take to start, as multiples of a Python that does nothing, and what they import.

``python -m benchmarks.startup`` uses the daemon of the environment (PYCTL_HOST); without one, only what needs none is measured. The time is that of the
processor, which other work on the machine changes little; the best of several runs counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from attrs import frozen

ROUNDS = 10
COMMANDS = (["--version"], ["--help"], ["ps"], ["images"])
_LIST = (
    "import atexit, runpy, sys; sys.argv[0] = 'pyctl'; "
    "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    "runpy.run_module('pyctl', run_name='__main__')"
)


@frozen
class Start:
    """One command's."""

    command: str
    milliseconds: float
    times: float
    """Of a bare Python."""
    modules: tuple[str, ...]


def processor(command: Sequence[str], rounds: int = ROUNDS) -> float:
    """Milliseconds of processor time, the best of some."""
    return min(_once(command) for _ in range(rounds))


def _once(command: Sequence[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (used.ru_utime + used.ru_stime) * 1000


def modules(command: Sequence[str]) -> tuple[str, ...]:
    """What is imported when it ends; empty when it fails."""
    done = subprocess.run([sys.executable, "-c", _LIST, *command], capture_output=True, text=True, check=False)
    return tuple(done.stderr.split()) if done.returncode == 0 else ()


def measure() -> list[Start]:
    """All commands that work here."""
    bare = processor([sys.executable, "-c", "pass"])
    found = []
    for command in COMMANDS:
        if imported := modules(command):
            took = processor([sys.executable, "-m", "pyctl", *command])
            found.append(Start(" ".join(command), took, took / bare, imported))
    return found


def main() -> None:
    """Print the table, and the modules of each."""
    starts = measure()
    for start in starts:
        print(
            f"pyctl {start.command:<10} {start.milliseconds:7.1f} ms  {start.times:5.1f} x  {len(start.modules):4} modules"
        )
    for start in starts:
        print(f"\npyctl {start.command} imports:\n  {' '.join(sorted(start.modules))}")


if __name__ == "__main__":
    main()
