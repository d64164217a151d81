"""Runtimes as commands: ours and its peers, each with a root of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from pyrunc.facts import Facts
from tests.support.run import RUN

_HYBRID = Facts.probe().cgroup_mode == "hybrid"
_WITHOUT_V2 = ("unshare", "--mount", "sh", "-c", 'umount "$0" && exec "$@"', "/sys/fs/cgroup/unified")
"""Debian's crun refuses to run where version 2 has controllers beside version 1; it does not see that one then."""

PYRUNC = str(Path(sys.executable).with_name("pyrunc"))


@frozen
class Command:
    """One runtime's command line with its root."""

    program: str
    root: Path
    around: tuple[str, ...] = ()
    """A command that runs the command."""

    @property
    def name(self) -> str:
        return Path(self.program).name

    def __call__(
        self, *arguments: str, stdin: str = "", cwd: Path | None = None, before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end; ``before`` are global options."""
        command = self.line(*arguments, before=before)
        return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=cwd, timeout=60)

    def line(self, *arguments: str, before: tuple[str, ...] = ()) -> list[str]:
        return [*self.around, self.program, "--root", str(self.root), *before, *arguments]

    def quietly(self, *arguments: str) -> int:
        """For what leaves a process behind that would hold a pipe open. The exit code."""
        null = subprocess.DEVNULL
        return subprocess.run(self.line(*arguments), stdin=null, stdout=null, stderr=null, timeout=60).returncode

    def state(self, container: str) -> dict[str, Any]:
        done = self("state", container)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _with_clean_end(program: str, root: Path) -> Iterator[Command]:
    command = Command(program, root, _WITHOUT_V2 if program.endswith("/crun") and _HYBRID else ())
    yield command
    for name in os.listdir(root) if root.exists() else []:
        command("delete", "--force", name)


@pytest.fixture
def pyrunc(tmp_short: Path) -> Iterator[Command]:
    """Ours."""
    yield from _with_clean_end(PYRUNC, tmp_short / "pyrunc")


@pytest.fixture(params=["pyrunc", "runc", "crun"])
def anyone(request: pytest.FixtureRequest, tmp_short: Path) -> Iterator[Command]:
    """Each of the three: what a test says of it holds for all."""
    yield from _with_clean_end(_program(request.param), tmp_short / request.param)


@pytest.fixture
def runc(tmp_short: Path) -> Iterator[Command]:
    """Debian's."""
    yield from _with_clean_end(_program("runc"), tmp_short / "runc")


def _program(name: str) -> str:
    found = PYRUNC if name == "pyrunc" else shutil.which(name)
    assert found, f"install {name}"
    return found


@pytest.fixture
def name() -> str:
    """Of a container: it names a cgroup, too, by which the check for leftovers knows it."""
    return f"cli-{RUN.name[:12]}"


MakeBundle = Callable[..., Path]


@pytest.fixture
def make_bundle(tmp_path: Path, busybox_rootfs: Path, name: str) -> MakeBundle:
    """Writes the config.json that ``runc spec`` makes, with changes: what all three can run."""
    directory = tmp_path / "bundle"

    def make(*args: str, terminal: bool = False, **process: object) -> Path:
        directory.mkdir(exist_ok=True)
        (directory / "config.json").unlink(missing_ok=True)
        subprocess.run(["runc", "spec", "--bundle", str(directory)], check=True)
        document = json.loads((directory / "config.json").read_text())
        document["root"] = {"path": str(busybox_rootfs), "readonly": True}
        document["linux"]["cgroupsPath"] = f"/pyrunc-{name}"
        command = ["sh", "-c", args[0]] if len(args) == 1 and " " in args[0] else list(args)
        document["process"] |= {"args": command, "terminal": terminal, **process}
        (directory / "config.json").write_text(json.dumps(document))
        return directory

    return make
