"""The examples of the README are programs that run, and what it says of the command is so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.cli.conftest import PYRUNC
from tests.support.run import RUN

README = (Path(__file__).parents[2] / "packages/runtime/README.md").read_text(encoding="utf-8")


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_five_lines(busybox_rootfs: Path, tmp_short: Path) -> None:
    short, _ = examples()
    assert len([line for line in short.splitlines() if line and "import" not in line]) == 5
    program = (
        short.replace("/srv/busybox", str(busybox_rootfs))
        .replace("/run/mine", str(tmp_short))
        .replace("first", f"first-{RUN.name[:12]}")
    )
    assert sorted(run(program)) == ["exit code 0", "hello"]
    assert not list(tmp_short.iterdir())


def test_fifty_lines(busybox_rootfs: Path, tmp_short: Path) -> None:
    _, long = examples()
    assert len(long.splitlines()) <= 60
    name = f"server-{RUN.name[:12]}"  # of a cgroup, too: several runs of the tests may go on at once
    assert run(long.replace('"server"', f'"{name}"'), str(tmp_short), str(busybox_rootfs)) == [
        "created",
        "ready",
        "2 processes",
        "30 allowed",
        "exit code 3 by itself",
        f"container '{name}' does not exist",
    ]


def test_the_command(tmp_path: Path) -> None:
    """As in the README, but for who types at the shell, and for the terminal."""
    bundle = tmp_path / "bundle"
    (bundle / "rootfs/bin").mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox
    shutil.copy(busybox, bundle / "rootfs/bin/sh")
    subprocess.run([PYRUNC, "spec"], cwd=bundle, check=True)
    done = subprocess.run(
        [PYRUNC, "--root", str(tmp_path / "root"), "run", f"readme-{RUN.name[:12]}"],
        cwd=bundle,
        input="exit\n",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "/ # " in done.stdout


@pytest.mark.parametrize(
    "command", re.findall(r"`([a-z]+)`", README.partition("## The command")[2].partition("`pyrunc --help`")[0])[1:]
)
def test_every_command_is_there(command: str) -> None:
    assert subprocess.run([PYRUNC, command, "--help"], capture_output=True).returncode == 0


def test_every_name_is_there() -> None:
    import pyrunc

    table = README.partition("## What there is")[2].partition("## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    for row in rows:
        name, *members = re.findall(r"`([A-Za-z_.]+)`", row)
        if name.startswith("pyrunc."):
            continue
        for member in members:
            assert hasattr(getattr(pyrunc, name), member), f"{name}.{member}"
