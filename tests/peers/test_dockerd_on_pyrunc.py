"""Debian's dockerd and containerd with our runtime beneath: ``--default-runtime pyrunc``, driven by the docker CLI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pexpect
import pytest

from tests.peers.conftest import Engine, engine_of

NET = ("--network", "none")


@pytest.fixture(scope="module")
def running_dockerd(busybox_tar: Path) -> Iterator[Engine]:
    with engine_of("dockerd-pyrunc", busybox_tar) as engine:
        yield engine


@pytest.fixture
def dockerd(running_dockerd: Engine) -> Iterator[Engine]:
    yield running_dockerd
    running_dockerd.remove_containers()


def value(dockerd: Engine, name: str, what: str) -> str:
    return dockerd.ok("inspect", "-f", f"{{{{{what}}}}}", name)


def test_the_runtime_is_ours(dockerd: Engine) -> None:
    assert dockerd.ok("info", "-f", "{{.DefaultRuntime}}") == "pyrunc"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("echo", "hello"), 0, "hello"),
        (("sh", "-c", "exit 42"), 42, ""),
        (("no-such-command",), 127, "executable file not found in $PATH"),
        (("/etc/passwd",), 126, "permission denied"),
    ],
)
def test_run(dockerd: Engine, command: tuple[str, ...], code: int, told: str) -> None:
    result = dockerd.docker("run", "--rm", *NET, "busybox", *command)
    assert (result.returncode, told in result.stdout + result.stderr) == (code, True), result.stderr


def test_exec(dockerd: Engine) -> None:
    dockerd.ok("run", "-d", "--name", "room", *NET, "busybox", "sleep", "300")
    assert (
        dockerd.ok("exec", "-u", "daemon", "-w", "/tmp", "-e", "A=b", "room", "sh", "-c", "id -u; pwd; echo $A")
        == "1\n/tmp\nb"
    )
    assert dockerd.docker("exec", "room", "sh", "-c", "exit 9").returncode == 9
    assert dockerd.ok("exec", "-i", "room", "cat", stdin="through") == "through"
    assert "sleep 300" in dockerd.ok("top", "room")


def test_a_terminal(dockerd: Engine) -> None:
    command = ["run", "--rm", "-it", *NET, "busybox", "sh"]
    shell = pexpect.spawn(
        "docker", command, env=dockerd.environment(), encoding="utf-8", timeout=20, dimensions=(33, 99)
    )
    try:
        shell.expect("# ")
        shell.sendline("echo size $(stty size)")
        shell.expect("size 33 99")
        shell.setwinsize(44, 111)
        shell.sendline("sleep 0.3; echo now $(stty size)")
        shell.expect("now 44 111")
        shell.sendline("exit 7")
        shell.expect(pexpect.EOF)
    finally:
        shell.close(force=True)
    assert shell.exitstatus == 7


def test_kill_and_restart(dockerd: Engine) -> None:
    dockerd.ok("run", "-d", "--name", "again", *NET, "busybox", "sleep", "300")
    dockerd.ok("kill", "again")
    dockerd.until(lambda: value(dockerd, "again", ".State.Status") == "exited")
    assert value(dockerd, "again", ".State.ExitCode") == "137"
    dockerd.ok("start", "again")
    before = value(dockerd, "again", ".State.Pid")
    dockerd.ok("restart", "-t", "0", "again")
    assert value(dockerd, "again", ".State.Pid") not in {before, "0"}


def test_the_restart_policy_starts_it_again(dockerd: Engine) -> None:
    policy = ("--restart", "on-failure:2")
    dockerd.ok("run", "-d", "--name", "thrice", *policy, *NET, "busybox", "sh", "-c", "echo ran; exit 1")
    state = "{{.RestartCount}} {{.State.Status}}"
    dockerd.until(lambda: dockerd.ok("inspect", "-f", state, "thrice") == "2 exited")
    assert dockerd.ok("logs", "thrice") == "ran\nran\nran"


def test_pause(dockerd: Engine) -> None:
    shared = dockerd.directory / "ticks"
    shared.mkdir()
    ticking = "i=0; while :; do i=$((i+1)); echo $i > /out/tick; done"
    dockerd.ok("run", "-d", "--name", "frozen", *NET, "-v", f"{shared}:/out", "busybox", "sh", "-c", ticking)
    dockerd.until((shared / "tick").exists)
    dockerd.ok("pause", "frozen")
    assert value(dockerd, "frozen", ".State.Status") == "paused"
    seen = (shared / "tick").read_text()
    time.sleep(0.3)
    assert (shared / "tick").read_text() == seen
    dockerd.ok("unpause", "frozen")
    assert value(dockerd, "frozen", ".State.Status") == "running"
    dockerd.until(lambda: (shared / "tick").read_text() != seen)


def test_limits_and_their_update(dockerd: Engine) -> None:
    limits = ("--memory", "64m", "--memory-swap", "64m", "--pids-limit", "40", "--cpus", "0.5")
    dockerd.ok(
        "run", "-d", "--name", "small", *limits, *NET, "-v", "/sys/fs/cgroup:/host:ro", "busybox", "sleep", "300"
    )
    parent = f"/docker/{value(dockerd, 'small', '.Id')}"

    def limit(controller: str, file: str) -> str:
        return dockerd.ok("exec", "small", "cat", f"/host/{controller}{parent}/{file}")

    assert limit("memory", "memory.limit_in_bytes") == str(64 << 20)
    assert limit("pids", "pids.max") == "40"
    assert limit("cpu", "cpu.cfs_quota_us") == "50000"
    dockerd.ok("update", "--memory", "96m", "--memory-swap", "96m", "--pids-limit", "60", "--cpus", "0.25", "small")
    assert limit("memory", "memory.limit_in_bytes") == str(96 << 20)
    assert limit("pids", "pids.max") == "60"
    assert limit("cpu", "cpu.cfs_quota_us") == "25000"


def test_out_of_memory_is_told(dockerd: Engine) -> None:
    eat = "sleep 0.5; head -c 100m /dev/zero | tail"  # containerd begins to listen when the process has begun
    result = dockerd.docker(
        "run", "--name", "hungry", "--memory", "20m", "--memory-swap", "20m", *NET, "busybox", "sh", "-c", eat
    )
    assert result.returncode != 0
    assert value(dockerd, "hungry", ".State.OOMKilled") == "true"


def test_twenty_at_once(dockerd: Engine) -> None:
    names = [f"crowd-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: dockerd.ok("run", "-d", "--name", name, *NET, "busybox", "sleep", "300"), names))
    assert sorted(dockerd.ok("ps", "--format", "{{.Names}}").split()) == sorted(names)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: dockerd.ok("rm", "-f", name), names))
    assert dockerd.ok("ps", "-aq") == ""
