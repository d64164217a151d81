"""podman and conmon with our runtime in runc's place."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pexpect
import pytest
from attrs import frozen

from tests.support.run import RUN

PYRUNC = Path(sys.executable).with_name("pyrunc")
# podman asks for more than a host without CAP_SYS_RESOURCE may give; with runc it needs this too
LIMITS = ("--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1000:1000")


@frozen
class Podman:
    """A podman with its own storage; ``run`` makes containers on the busybox root file system."""

    directory: Path
    rootfs: Path

    def command(self, *args: str) -> list[str]:
        storage = ["--root", f"{self.directory}/root", "--runroot", f"{self.directory}/run"]
        return ["podman", *storage, "--cgroup-manager", "cgroupfs", "--runtime", str(PYRUNC), *args]

    def ask(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    def ok(self, *args: str) -> str:
        result = self.ask(*args)
        assert result.returncode == 0, f"podman {' '.join(args)}: {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout.strip()

    def run(self, *args: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return self.ask("run", "--network", "none", *LIMITS, *flags, "--rootfs", str(self.rootfs), *args)


@pytest.fixture
def podman(busybox_rootfs: Path) -> Iterator[Podman]:
    made = Podman(RUN.short_directory(), busybox_rootfs)
    yield made
    made.ok("rm", "-f", "-a", "-t", "0")
    # podman keeps a bind mount of its storage for itself, and so does each clean-up that conmon starts when a container has ended
    deadline = time.monotonic() + 10
    while _working_in(made.directory) and time.monotonic() < deadline:
        time.sleep(0.02)
    subprocess.run(["umount", "-R", str(made.directory / "root/overlay")], capture_output=True, check=False)


def _working_in(directory: Path) -> list[Path]:
    """The processes that were told of the directory."""

    def told(process: Path) -> bool:
        with suppress(OSError):
            return os.fsencode(directory) in (process / "cmdline").read_bytes()
        return False

    return [process for process in Path("/proc").iterdir() if process.name.isdigit() and told(process)]


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("echo", "hello"), 0, "hello"),
        (("sh", "-c", "exit 5"), 5, ""),
        (("no-such-command",), 127, "no-such-command"),
        (("/etc/passwd",), 126, "ermission denied"),
    ],
)
def test_run(podman: Podman, command: tuple[str, ...], code: int, told: str) -> None:
    result = podman.run(*command, flags=("--rm",))
    assert (result.returncode, told in result.stdout + result.stderr) == (code, True), result.stderr


def test_a_life(podman: Podman) -> None:
    limits = ("-d", "--name", "lives", "--memory", "64m", "--pids-limit", "50")
    started = podman.run("sleep", "300", flags=limits)
    assert started.returncode == 0, started.stderr
    assert podman.ok("exec", "lives", "cat", "/proc/1/comm") == "sleep"
    assert podman.ask("exec", "lives", "sh", "-c", "exit 9").returncode == 9
    assert (
        podman.ok("exec", "-u", "daemon", "-w", "/tmp", "-e", "A=b", "lives", "sh", "-c", "id -u; pwd; echo $A")
        == "1\n/tmp\nb"
    )
    podman.ok("pause", "lives")
    assert podman.ok("inspect", "-f", "{{.State.Status}}", "lives") == "paused"
    podman.ok("unpause", "lives")
    assert "/ 67.11MB" in podman.ok("stats", "--no-stream", "lives")
    assert "sleep 300" in podman.ok("top", "lives")
    podman.ok("kill", "lives")
    assert podman.ok("wait", "lives") == "137"
    podman.ok("rm", "lives")
    assert podman.ok("ps", "-aq") == ""


def test_stop_and_start_again(podman: Podman) -> None:
    script = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.05; done"
    assert podman.run("sh", "-c", script, flags=("-d", "--name", "again")).returncode == 0
    for ups in (1, 2):
        podman.ok("stop", "-t", "10", "again")
        assert podman.ok("inspect", "-f", "{{.State.ExitCode}}", "again") == "3"
        assert podman.ok("logs", "again").splitlines() == ["up", "told"] * ups
        podman.ok("start", "again")


def test_terminals(podman: Podman) -> None:
    args = podman.command("run", "--rm", "-it", "--network", "none", *LIMITS, "--rootfs", str(podman.rootfs), "sh")
    shell = pexpect.spawn(args[0], args[1:], encoding="utf-8", timeout=20, dimensions=(33, 99))
    try:
        shell.expect("# ")
        shell.sendline("echo size $(stty size)")
        shell.expect("size 33 99")
        shell.sendline("exit 7")
        shell.expect(pexpect.EOF)
    finally:
        shell.close(force=True)
    assert shell.exitstatus == 7
