"""However the program of an ephemeral supervisor ends, nothing is left of it."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pycontainerd import Supervisor
from tests.supervisor.embedding.program import parent
from tests.supervisor.embedding.traces import remaining, traces
from tests.supervisor.rounds import OPERATIONS


@contextmanager
def program(directory: Path, end: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    command = [sys.executable, "-m", "tests.supervisor.embedding.program", str(directory), end]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_killed(tmp_short: Path) -> None:
    with program(tmp_short, "wait") as (process, said):
        assert len(said["pids"]) >= 5
        assert len(traces(tmp_short, parent(tmp_short), said["pids"])) > 7
        process.kill()
        process.wait()
        assert remaining(tmp_short, parent(tmp_short), said["pids"]) == []


def test_it_left(tmp_short: Path) -> None:
    with program(tmp_short, "exit") as (process, said):
        assert process.wait() == 3
        assert remaining(tmp_short, parent(tmp_short), said["pids"]) == []


def test_it_became_another_program(tmp_short: Path) -> None:
    with program(tmp_short, "execute") as (process, said):
        assert remaining(tmp_short, parent(tmp_short), said["pids"]) == []
        assert process.poll() is None


def test_a_child_of_it_lives_on(tmp_short: Path) -> None:
    """The child has inherited every descriptor that the supervisor had, the end of the watcher's pipe and the locks among them."""
    with program(tmp_short, "fork") as (process, said):
        process.kill()
        try:
            assert remaining(tmp_short, parent(tmp_short), said["pids"]) == []
            os.kill(said["survivor"], 0)
        finally:
            os.kill(said["survivor"], signal.SIGKILL)


async def test_killed_with_its_watcher(tmp_short: Path) -> None:
    """As a continuous integration does at the end of its patience. The next supervisor, wherever it is, clears up."""
    (tmp_short / "first").mkdir()
    with program(tmp_short / "first", "wait") as (process, said):
        (watcher,) = said["children"]
        cgroup = parent(tmp_short / "first")
        os.kill(watcher, signal.SIGKILL)
        process.kill()
        process.wait()
        # At once: other runs of tests may open a supervisor at any moment.
        assert traces(tmp_short / "first", cgroup, said["pids"]) != []
        async with Supervisor(tmp_short / "root", tmp_short / "state", ephemeral=True):
            assert traces(tmp_short / "first", cgroup, said["pids"]) == []
    assert remaining(tmp_short / "root", "/nothing") == []


async def test_the_same_directory_again(tmp_short: Path) -> None:
    """At once, while the watcher is clearing up: the second waits for it."""
    with program(tmp_short, "wait") as (process, said):
        process.kill()
        process.wait()
        async with Supervisor(tmp_short / "root", tmp_short / "state", ephemeral=True) as second:
            assert second.containers.list() == []
            assert [pid for pid in said["pids"] if Path(f"/proc/{pid}").exists()] == []
    assert traces(tmp_short, parent(tmp_short)) == []


async def test_a_watcher_that_is_late_leaves_the_next_one_alone(tmp_short: Path) -> None:
    """Who comes next in the same directories clears up himself, and has an entry of the same name by the time that the watcher comes to it."""
    with program(tmp_short, "wait") as (process, said):
        (watcher,) = said["children"]
        os.kill(watcher, signal.SIGSTOP)
        process.kill()
        process.wait()
        ended = os.pidfd_open(watcher)
        async with Supervisor(tmp_short / "root", tmp_short / "state", ephemeral=True) as second:
            os.kill(watcher, signal.SIGCONT)
            assert select.select([ended], [], [], 30) == ([ended], [], [])
            os.close(ended)
            assert (tmp_short / "root/metadata.db").exists()
            assert [image.references for image in second.images.list()] == [("host:latest",)]
    assert traces(tmp_short, parent(tmp_short)) == []


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_killed_in_the_middle(tmp_short: Path, busybox_tar: Path, operation: str) -> None:
    chance = random.Random(f"ephemeral {operation}")
    for number in range(4):
        directory = tmp_short / str(number)
        directory.mkdir()
        command = [
            sys.executable,
            "-m",
            "tests.supervisor.rounds",
            str(directory),
            str(number),
            operation,
            str(busybox_tar),
        ]
        with subprocess.Popen([*command, "ephemeral"], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.005, 0.4))
            assert process.poll() is None
            process.kill()
        for leftover in directory.glob("*.saved"):  # the program's own
            leftover.unlink()
        assert remaining(directory, parent(directory)) == []
