"""Cgroup directories go with their parents: with those that pyrunc made, whenever it was killed, and with no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrunc.cgroups import directory
from pyrunc.facts import Facts
from tests.support.run import RUN

UNIFIED = Facts.probe().unified
TOP = f"/pyrunc-{RUN.name[:12]}"
PATH = f"{TOP}/deep/web"


@pytest.fixture
def mountpoint() -> Iterator[str]:
    assert UNIFIED, "this machine has no cgroup2 mount; every supported kernel can have one"
    yield UNIFIED.mountpoint
    for path in (PATH, f"{TOP}/deep", TOP):
        if Path(UNIFIED.mountpoint + path).exists():
            os.rmdir(UNIFIED.mountpoint + path)


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
def test_a_maker_that_is_killed_between_two_mkdirs(mountpoint: str, call: int) -> None:
    """At the entry of a call: of the first, for the cgroup itself, whose parent is missing; of those for two parents; of the last."""
    program = "import sys; from pyrunc.cgroups import directory; directory.make(*sys.argv[1:])"
    trace = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=mkdir", "-e", f"inject=mkdir:signal=KILL:when={call}"]
    made = subprocess.run([*trace, sys.executable, "-c", program, mountpoint, PATH])
    assert made.returncode == (0 if call == 5 else -signal.SIGKILL)
    assert Path(mountpoint + TOP).exists() == (call > 2)
    directory.remove(mountpoint, PATH, 1)
    assert not Path(mountpoint + TOP).exists()


def test_a_parent_that_somebody_else_made_stays(mountpoint: str) -> None:
    os.mkdir(mountpoint + TOP)
    directory.make(mountpoint, PATH)
    directory.remove(mountpoint, PATH, 1)
    assert not Path(mountpoint + TOP, "deep").exists()
    assert Path(mountpoint + TOP).exists()


def test_a_parent_with_another_container_stays_until_that_has_gone(mountpoint: str) -> None:
    directory.make(mountpoint, PATH)
    directory.make(mountpoint, f"{TOP}/other")
    directory.remove(mountpoint, PATH, 1)
    assert Path(mountpoint + TOP, "other").exists()
    directory.remove(mountpoint, f"{TOP}/other", 1)
    assert not Path(mountpoint + TOP).exists()
