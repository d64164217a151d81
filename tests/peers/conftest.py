"""The engine that the docker CLI is pointed at: ours, or Debian's dockerd.

``PYRUNC_TEST_ENGINE=dockerd`` runs the same tests against a private dockerd, to show that they are true of docker itself.
A test that docker itself does not pass is a wrong test. ``PYRUNC_TEST_ENGINE=dockerd-pyrunc`` is that dockerd with our runtime beneath.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

from tests.support.answers import ANSWERS
from tests.support.commands import count
from tests.support.leftovers import OWNED
from tests.support.run import RUN

Result = subprocess.CompletedProcess[str]


@define
class Engine:
    """A listening Engine API and the docker CLI in front of it."""

    host: str
    directory: Path
    names: list[str] = field(factory=list)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.directory / "config")}

    def docker(self, *args: str, stdin: str | None = None, timeout: float = 60) -> Result:
        """Run the real docker CLI to its end."""
        count(args)
        return subprocess.run(
            ["docker", *args],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment(),
            check=False,
        )

    def ok(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run the docker CLI, insist on exit code 0, and give its output without the last newline."""
        result = self.docker(*args, stdin=stdin, timeout=timeout)
        assert result.returncode == 0, f"docker {' '.join(args)}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout.rstrip("\n")

    def popen(self, *args: str) -> subprocess.Popen[str]:
        """Start the docker CLI with pipes."""
        count(args)
        return subprocess.Popen(
            ["docker", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
        )

    def remove_containers(self) -> None:
        """Remove every container, running or not."""
        if left := self.ok("ps", "-aq").split():
            self.ok("rm", "-f", *left)

    def until(self, wanted: Callable[[], bool], timeout: float = 15) -> None:
        """Poll until ``wanted`` holds."""
        deadline = time.monotonic() + timeout
        while not wanted():
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.02)


def _wait_listening(engine: Engine, processes: list[subprocess.Popen[bytes]]) -> None:
    for _ in range(600):
        if engine.docker("version", timeout=10).returncode == 0:
            return
        for process in processes:
            assert process.poll() is None, (engine.directory / "log").read_text()
        time.sleep(0.05)
    raise AssertionError((engine.directory / "log").read_text())


def _commands(chosen: str, directory: Path, host: str, options: Sequence[str]) -> list[list[str]]:
    if chosen == "pydockerd":
        roots = ["--data-root", f"{directory}/data", "--exec-root", f"{directory}/run"]
        roots += ["--cgroup-parent", f"/pydockerd-{RUN.name[:12]}"]  # other runs have theirs
        record = [sys.executable, "-m", "tests.support.recorded_daemon", str(ANSWERS.new_file())]
        return [[*record, *roots, "-H", host, *options]]
    containerd = f"{directory}/c.sock"
    roots = ["--data-root", f"{directory}/d", "--exec-root", f"{directory}/x", "--pidfile", f"{directory}/pid"]
    flags = ["--exec-opt", "native.cgroupdriver=cgroupfs", "--storage-driver", "overlay2"]
    if chosen == "dockerd-pyrunc":
        program = Path(sys.executable).with_name("pyrunc")
        flags += ["--add-runtime", f"pyrunc={program}", "--default-runtime", "pyrunc"]
    return [
        ["containerd", "--root", f"{directory}/c", "--state", f"{directory}/cs", "--address", containerd],
        [
            "dockerd",
            *roots,
            *flags,
            *options,
            "-H",
            host,
            "--containerd",
            containerd,
            "--bridge",
            "none",
            "--iptables=false",
        ],
    ]


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.terminate()
        process.wait(30)


@contextmanager
def engine_of(chosen: str, busybox_tar: Path, *options: str) -> Iterator[Engine]:
    """An engine with the image ``busybox:latest``: ``pydockerd``, ``dockerd``, or ``dockerd-pyrunc``, which has our runtime beneath. ``options`` are
    more flags for it."""
    with tempfile.TemporaryDirectory(prefix="peers.", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        engine = Engine(f"unix://{directory}/d.sock", directory)
        processes: list[subprocess.Popen[bytes]] = []
        with (directory / "log").open("wb") as log:
            try:
                for command in _commands(chosen, directory, engine.host, options):
                    processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
                    OWNED.processes.add(processes[-1].pid)
                    time.sleep(0.2)
                _wait_listening(engine, processes)
                engine.ok("import", "-c", "CMD sh", str(busybox_tar), "busybox:latest")
                yield engine
            finally:
                _end(processes)


@pytest.fixture(scope="session")
def running_engine(busybox_tar: Path) -> Iterator[Engine]:
    """One engine for all tests of this folder."""
    with engine_of(os.environ.get("PYRUNC_TEST_ENGINE", "pydockerd"), busybox_tar) as engine:
        yield engine


@pytest.fixture
def engine(running_engine: Engine) -> Iterator[Engine]:
    """The engine; whatever containers a test leaves are removed after it."""
    yield running_engine
    running_engine.remove_containers()
