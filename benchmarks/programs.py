"""The benchmarks' own C programs, compiled for each run, and the floor as something that can be measured."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

_HERE = Path(__file__).parent
_BARE = ("-static", "-nostdlib", "-nostartfiles", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector", "-s")


def compile_bare(name: str, target: Path) -> None:
    """Compile ``name``.c without libc."""
    _compile(name, target, *_BARE)


def compile_static(name: str, target: Path) -> None:
    """Compile ``name``.c with a static libc."""
    _compile(name, target, "-static")


def _compile(name: str, target: Path, *options: str) -> None:
    warnings = ("-Wall", "-Wextra", "-Werror")
    subprocess.run(["gcc", "-O2", *warnings, *options, "-o", str(target), str(_HERE / f"{name}.c")], check=True)


@frozen
class Floor:
    """A running floor.c."""

    process: subprocess.Popen[str]

    def once(self) -> float:
        """One container; the seconds as C measured them."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / 1e9


@contextmanager
def floor(program: Path, rootfs: Path, hierarchies: Sequence[str]) -> Iterator[Floor]:
    """Start floor.c on a root file system. ``hierarchies``: mount options of the v1 hierarchies, none for v2."""
    command = [str(program), str(rootfs), *hierarchies]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Floor(process)
        assert process.stdin is not None
        process.stdin.close()
