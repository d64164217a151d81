"""containerd, its shim and ctr with our runtime in runc's place."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import frozen

from tests.support.leftovers import OWNED
from tests.support.run import RUN

PYRUNC = Path(sys.executable).with_name("pyrunc")


@frozen
class Containerd:
    """A containerd of our own, and ctr in front of it; containers are made on the busybox root file system."""

    directory: Path
    rootfs: Path

    @property
    def socket(self) -> str:
        return f"{self.directory}/c.sock"

    def ask(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ctr", "-a", self.socket, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, *args: str) -> str:
        result = self.ask(*args)
        assert result.returncode == 0, f"ctr {' '.join(args)}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def run(self, id: str, *args: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        own = ("--runc-binary", str(PYRUNC), "--runc-root", f"{self.directory}/runc")
        return self.ask("run", *own, *flags, "--rootfs", str(self.rootfs), id, *args)

    def status(self, id: str) -> str:
        rows = (line.split() for line in self.ok("tasks", "ls").splitlines())
        return next((row[2] for row in rows if row[0] == id), "gone")

    def remove(self, id: str) -> None:
        if self.status(id) != "gone":
            self.ok("tasks", "rm", "--force", id)
        self.ok("containers", "rm", id)


@pytest.fixture(scope="module")
def running_containerd(busybox_rootfs: Path) -> Iterator[Containerd]:
    made = Containerd(RUN.short_directory(), busybox_rootfs)
    places = ["--root", f"{made.directory}/root", "--state", f"{made.directory}/state", "--address", made.socket]
    with (made.directory / "log").open("wb") as log:
        process = subprocess.Popen(["containerd", *places], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    OWNED.processes.add(process.pid)
    try:
        deadline = time.monotonic() + 30
        while made.ask("version").returncode != 0:
            assert process.poll() is None, (made.directory / "log").read_text()
            assert time.monotonic() < deadline, (made.directory / "log").read_text()
            time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def containerd(running_containerd: Containerd) -> Iterator[Containerd]:
    """The same, whatever containers a test leaves are removed after it."""
    yield running_containerd
    for name in running_containerd.ok("containers", "ls", "-q").split():
        running_containerd.remove(name)


@pytest.mark.parametrize(("command", "code", "said"), [("echo hello", 0, "hello\n"), ("exit 5", 5, "")])
def test_run(containerd: Containerd, command: str, code: int, said: str) -> None:
    result = containerd.run("once", "/bin/sh", "-c", command, flags=("--rm",))
    assert (result.returncode, result.stdout) == (code, said), result.stderr


def test_a_command_that_is_not_there(containerd: Containerd) -> None:
    result = containerd.run("never", "/no/such/command", flags=("--rm",))
    assert result.returncode == 1
    assert "no such file or directory" in result.stderr or "not found" in result.stderr


def test_a_life(containerd: Containerd) -> None:
    started = containerd.run("lives", "/bin/sleep", "300", flags=("-d", "--memory-limit", "67108864"))
    assert started.returncode == 0, started.stderr
    assert containerd.status("lives") == "RUNNING"
    assert containerd.ok("tasks", "exec", "--exec-id", "one", "lives", "/bin/cat", "/proc/1/comm") == "sleep\n"
    assert containerd.ask("tasks", "exec", "--exec-id", "two", "lives", "/bin/sh", "-c", "exit 4").returncode == 4
    containerd.ok("tasks", "pause", "lives")
    assert containerd.status("lives") == "PAUSED"
    containerd.ok("tasks", "resume", "lives")
    assert containerd.status("lives") == "RUNNING"
    assert "memory.usage_in_bytes" in containerd.ok("tasks", "metrics", "lives")
    containerd.ok("tasks", "kill", "-s", "SIGTERM", "lives")  # process 1 does not die of it
    containerd.ok("tasks", "kill", "-s", "SIGKILL", "lives")
    deadline = time.monotonic() + 10
    while containerd.status("lives") != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "exit code 137" in containerd.ask("tasks", "rm", "lives").stderr
    containerd.ok("containers", "rm", "lives")


def test_twenty_at_once(containerd: Containerd) -> None:
    names = [f"crowd-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda name: containerd.run(name, "/bin/sleep", "300", flags=("-d",)), names))
    assert [result.stderr for result in started if result.returncode] == []
    assert {containerd.status(name) for name in names} == {"RUNNING"}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(containerd.remove, names))
    assert containerd.ok("containers", "ls", "-q") == ""
