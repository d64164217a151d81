"""Programs that were written for runc, with pyrunc in its place, and they do not notice: containerd through its shim, podman through conmon."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrunc.facts import Facts
from tests.runtime.cli.conftest import PYRUNC
from tests.support.leftovers import OWNED
from tests.support.run import RUN

pytestmark = pytest.mark.peer


# -- containerd -----------------------------------------------------------------------------------------------------------------------

_CONFIG = """version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{0}/c.sock"
[ttrpc]
address = "{0}/t.sock"
"""


class Ctr:
    """containerd's own client."""

    def __init__(self, directory: Path, rootfs: Path) -> None:
        self.socket = directory / "c.sock"
        self.rootfs = rootfs

    def __call__(self, *arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = ["ctr", "--address", str(self.socket), "--namespace", RUN.name[:12], *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, input=stdin, timeout=60)

    def run(
        self, option: str, name: str, *command: str, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """A container of the root file system, made by pyrunc."""
        return self(
            "run",
            option,
            "--runc-binary",
            PYRUNC,
            "--rootfs",
            str(self.rootfs),
            name,
            *command,
            check=check,
            stdin=stdin,
        )


@pytest.fixture(scope="module")
def ctr(busybox_rootfs: Path) -> Iterator[Ctr]:
    directory = RUN.short_directory()
    (directory / "config.toml").write_text(_CONFIG.format(directory))
    with (directory / "log").open("w") as log:
        daemon = subprocess.Popen(["containerd", "--config", str(directory / "config.toml")], stderr=log)
    OWNED.processes.add(daemon.pid)
    made = Ctr(directory, busybox_rootfs)
    try:
        deadline = time.monotonic() + 20
        while made("version", check=False).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        yield made
    finally:
        daemon.terminate()
        daemon.wait(20)
    shutil.rmtree(directory)


def test_containerd_runs(ctr: Ctr) -> None:
    done = ctr.run("--rm", "one", "/bin/sh", "-c", "echo out; echo err >&2; exit 5", check=False)
    assert (done.returncode, done.stdout) == (5, "out\n")
    assert "err\n" in done.stderr


def test_containerd_is_told_of_a_missing_program(ctr: Ctr) -> None:
    done = ctr.run("--rm", "two", "/nosuch", check=False)
    assert done.returncode == 1
    assert 'OCI runtime create failed: pyrunc create failed: exec: "/nosuch": stat /nosuch: no such file' in done.stderr
    ctr("containers", "rm", "two", check=False)


def test_containerds_whole_life_of_a_task(ctr: Ctr) -> None:
    ctr.run("--detach", "three", "/bin/sleep", "100")
    assert ctr("task", "exec", "--exec-id", "e1", "three", "/bin/echo", "executed").stdout == "executed\n"
    assert ctr("task", "exec", "--exec-id", "e2", "three", "/bin/false", check=False).returncode == 1
    assert "memory.usage_in_bytes" in ctr("task", "metrics", "three").stdout
    ctr("task", "pause", "three")
    assert ctr("task", "ls").stdout.split()[-1] == "PAUSED"
    ctr("task", "resume", "three")
    assert ctr("task", "ls").stdout.split()[-1] == "RUNNING"
    assert "sleep" in subprocess.run(["ps", "-o", "args=", *_pids(ctr)], capture_output=True, text=True).stdout
    ctr("task", "kill", "--signal", "KILL", "three")
    deadline = time.monotonic() + 10
    while ctr("task", "ls").stdout.split()[-1] != "STOPPED" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "exit code 137" in ctr("task", "rm", "three").stderr
    ctr("containers", "rm", "three")


def _pids(ctr: Ctr) -> list[str]:
    return [line.split()[0] for line in ctr("task", "ps", "three").stdout.splitlines()[1:]]


# -- podman ---------------------------------------------------------------------------------------------------------------------------


class Podman:
    """podman, with conmon between it and pyrunc. Without CAP_SYS_RESOURCE it needs the two limits, with runc too."""

    limits = (
        "--ulimit",
        "nofile=1024:20000",
        "--ulimit",
        "nproc=1000:1000",
        "--network",
        "none",
    )

    def __init__(self, directory: Path, rootfs: Path) -> None:
        self.rootfs = str(rootfs)
        places = ["--root", f"{directory}/root", "--runroot", f"{directory}/run", "--tmpdir", f"{directory}/tmp"]
        places += ["--storage-driver", "vfs"]
        self.command = [
            "podman",
            *places,
            "--cgroup-manager",
            "cgroupfs",
            "--runtime",
            PYRUNC,
            "--events-backend",
            "none",
        ]

    def __call__(self, *arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*self.command, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check, input=stdin, timeout=60)

    def run(self, *arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """``arguments``: options, ``/``, the command."""
        at = arguments.index("/")
        where = ("--rootfs", self.rootfs, *arguments[at + 1 :])
        return self(
            "run", *self.limits, "--cgroup-parent", f"/{_parent()}", *arguments[:at], *where, check=check, stdin=stdin
        )


@pytest.fixture
def podman(own_root: Path) -> Iterator[Podman]:
    yield Podman(RUN.short_directory(), own_root)
    for hierarchy in Facts.probe().hierarchies:  # podman leaves the parent of its cgroups
        parent = Path(f"{hierarchy.mountpoint}/{_parent()}")
        for directory in [*parent.glob("*/"), parent]:
            if directory.is_dir():
                directory.rmdir()


def _parent() -> str:
    return f"pyrunc-{RUN.name[:12]}-podman"


def test_podman_runs(podman: Podman) -> None:
    done = podman.run("--rm", "-i", "/", "sh", "-c", "cat; echo out; exit 5", check=False, stdin="in\n")
    assert (done.returncode, done.stdout) == (5, "in\nout\n")


def test_podman_knows_a_missing_program(podman: Podman) -> None:
    done = podman.run("--rm", "/", "nosuch", check=False)
    assert done.returncode == 127
    assert "executable file not found in $PATH" in done.stderr
    done = podman.run("--rm", "/", "/etc/passwd", check=False)
    assert done.returncode == 126


def test_podmans_whole_life_of_a_container(podman: Podman) -> None:
    podman.run("--detach", "--name", "four", "/", "sleep", "100")
    done = podman("exec", "four", "sh", "-c", "echo executed; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "executed\n")
    assert podman("exec", "four", "nosuch", check=False).returncode == 127
    assert podman("inspect", "--format", "{{.State.Status}} {{.OCIRuntime}}", "four").stdout == f"running {PYRUNC}\n"
    podman("kill", "four")
    assert podman("wait", "four").stdout == "137\n"
    podman("rm", "--force", "four")
