"""The check for leftovers finds what it is there to find, and nothing of other people's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.leftovers import Machine, leftovers, settled
from tests.support.run import MARKER, RUN


def found(before: Machine) -> list[str]:
    return leftovers(before, Machine.now())


@contextmanager
def mounted(point: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(point)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True)


@contextmanager
def cgroup(name: str) -> Iterator[Path]:
    unified = Path("/sys/fs/cgroup")
    path = (unified if (unified / "cgroup.controllers").exists() else unified / "pids") / name
    path.mkdir()
    try:
        yield path
    finally:
        path.rmdir()


def test_nothing_is_nothing() -> None:
    before = Machine.now()
    assert found(before) == []


def test_a_mount(tmp_short: Path) -> None:
    before = Machine.now()
    with mounted(tmp_short):
        (line,) = found(before)
        assert line.startswith(f"mount {tmp_short} (")
    assert found(before) == []


def test_an_empty_cgroup_of_the_runtime() -> None:
    before = Machine.now()
    with cgroup(f"pyrunc-leak-{RUN.name[:12]}") as path:
        assert found(before) == [f"cgroup {path}"]


def test_a_cgroup_with_a_process_of_another_run_is_not_ours() -> None:
    before = Machine.now()
    with cgroup("pyrunc-of-somebody-else") as path, other_run() as pid:
        (path / "cgroup.procs").write_text(str(pid))
        left = found(before)
        Path(path.parent, "cgroup.procs").write_text(str(pid))
    assert [line for line in left if not line.startswith("descriptor")] == []  # the pipes to the process are ours


@contextmanager
def other_run() -> Iterator[int]:
    """A process that neither descends from pytest nor carries this run's name; it ends when its pipe closes."""
    detach = "import os; pid = os.fork(); pid and (print(pid, flush=True), os._exit(0)); os.read(0, 1)"
    environment = {**os.environ, MARKER: "another"}
    with subprocess.Popen(
        [sys.executable, "-c", detach], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.wait()
        yield pid


def test_a_process_that_was_given_the_run_s_name() -> None:
    before = Machine.now()
    detach = "import os; pid = os.fork(); pid and (print(pid, flush=True), os._exit(0)); os.read(0, 1)"
    with subprocess.Popen([sys.executable, "-c", detach], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.wait()
        assert any(line.startswith(f"process {pid} ") for line in found(before))
    assert settled(before) == []


def test_a_child_without_an_environment() -> None:
    before = Machine.now()
    with subprocess.Popen(["sleep", "60"], env={}) as child:
        assert found(before) == [f"process {child.pid} sleep 60"]
        child.kill()
    assert found(before) == []


def test_a_descriptor() -> None:
    before = Machine.now()
    number = os.open("/etc/passwd", os.O_RDONLY)
    assert found(before) == [f"descriptor {number} /etc/passwd"]
    os.close(number)


def test_a_container_and_its_monitor(daemon: Daemon) -> None:
    before = Machine.now()
    started = daemon.docker("run", "-d", "--network", "none", "--name", "left", "host", "sleep", "60")
    assert started.returncode == 0, started.stderr
    left = found(before)
    assert any(line.startswith("process ") and line.endswith("sleep 60") for line in left)
    assert any(line.startswith("process ") and "pyrunc-init: monitor" in line for line in left)
    assert any(line.startswith("cgroup ") and daemon.cgroup_parent in line for line in left)
    daemon.remove_containers()
    assert settled(before) == []


def test_grace_waits_for_what_is_about_to_end() -> None:
    before = Machine.now()
    subprocess.run(["sh", "-c", "sleep 0.3 &"], check=True)
    began = time.monotonic()
    assert settled(before) == []
    assert 0.1 < time.monotonic() - began < 2


@pytest.mark.parametrize("command", ["true", "false"])
def test_what_ended_by_itself_is_nothing(command: str) -> None:
    before = Machine.now()
    subprocess.run([command], check=False)
    assert found(before) == []
