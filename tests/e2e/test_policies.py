"""Restart policies are the daemon's promise also when the daemon itself was not there."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.daemon import Daemon

from .test_recovery import load


def until(daemon: Daemon, name: str, template: str, wanted: str) -> None:
    deadline = time.monotonic() + 30
    while (said := daemon.docker("inspect", "-f", template, name).stdout.strip()) != wanted:
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def test_what_ended_without_a_daemon_is_started_by_the_next(daemon: Daemon, busybox_tar: Path) -> None:
    load(daemon, busybox_tar)
    for name, policy in (("ever", "always"), ("stopped", "unless-stopped"), ("plain", "no")):
        script = "test -e /once && sleep 300; touch /once; sleep 0.8"
        shell = ("--network", "none", "busybox", "sh", "-c", script)
        made = daemon.docker("run", "-d", "--name", name, "--restart", policy, *shell)
        assert made.returncode == 0, made.stderr
    assert daemon.docker("stop", "-t", "0", "stopped").returncode == 0
    daemon.kill9()
    time.sleep(1.5)
    daemon.start()
    until(daemon, "ever", "{{.State.Status}} {{.RestartCount}}", "running 1")
    until(daemon, "plain", "{{.State.Status}} {{.State.ExitCode}}", "exited 0")
    time.sleep(0.5)
    until(daemon, "stopped", "{{.State.Status}} {{.RestartCount}}", "exited 0")
