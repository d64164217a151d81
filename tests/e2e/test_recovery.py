"""The daemon is killed with SIGKILL while containers run: they go on, and the next daemon loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.daemon import Daemon

COUNT = "i=0; while [ $i -lt {last} ]; do i=$((i+1)); echo $i; done; echo end; {then}"


def load(daemon: Daemon, busybox_tar: Path) -> None:
    assert daemon.docker("import", "-c", "CMD sh", str(busybox_tar), "busybox:latest").returncode == 0


def running(daemon: Daemon, name: str, command: str) -> None:
    result = daemon.docker("run", "-d", "--name", name, "--network", "none", "busybox", "sh", "-c", command)
    assert result.returncode == 0, result.stderr


def inspect(daemon: Daemon, name: str) -> str:
    return daemon.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name).stdout.strip()


def test_containers_go_on_and_are_taken_over(daemon: Daemon, busybox_tar: Path) -> None:
    load(daemon, busybox_tar)
    running(daemon, "stays", "trap 'exit 3' TERM; while :; do sleep 0.05; done")
    pid = daemon.docker("inspect", "-f", "{{.State.Pid}}", "stays").stdout.strip()
    daemon.kill9()
    assert Path(f"/proc/{pid}").exists()
    daemon.start()
    assert daemon.docker("ps", "--format", "{{.Names}}").stdout.split() == ["stays"]
    assert daemon.docker("exec", "stays", "echo", "inside").stdout == "inside\n"
    assert daemon.docker("stop", "stays").returncode == 0
    assert inspect(daemon, "stays") == "exited 3"


def test_no_line_of_the_log_is_lost_or_doubled(daemon: Daemon, busybox_tar: Path) -> None:
    load(daemon, busybox_tar)
    running(daemon, "counts", COUNT.format(last=60000, then="sleep 300"))
    time.sleep(0.15)  # in the middle of the lines
    daemon.kill9()
    daemon.start()
    deadline = time.monotonic() + 30
    while not (lines := daemon.docker("logs", "counts").stdout.split()) or lines[-1] != "end":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert lines == [*(str(number) for number in range(1, 60001)), "end"]


def test_the_exit_code_of_one_that_ended_in_between(daemon: Daemon, busybox_tar: Path) -> None:
    load(daemon, busybox_tar)
    running(daemon, "ends", "read -t 1 nothing < /dev/zero; sleep 1; echo last words; exit 33")
    pid = daemon.docker("inspect", "-f", "{{.State.Pid}}", "ends").stdout.strip()
    daemon.kill9()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    daemon.start()
    assert inspect(daemon, "ends") == "exited 33"
    assert daemon.docker("wait", "ends").stdout == "33\n"
    assert daemon.docker("logs", "ends").stdout == "last words\n"
