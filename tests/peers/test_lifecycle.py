"""The life of a container as the docker CLI drives it: start, stop, kill, wait, rm, exec, and what ps and inspect tell."""

from __future__ import annotations

import json
import os
import time

import pytest

from .conftest import Engine

SLEEP = ("--network", "none", "busybox", "sleep", "300")
SHELL = ("--network", "none", "busybox", "sh", "-c")


def status(engine: Engine, name: str) -> str:
    return engine.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name)


def test_kill_is_137_and_wait_tells_it(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "victim", *SLEEP)
    assert status(engine, "victim") == "running 0"
    waiting = engine.popen("wait", "victim")
    assert engine.ok("kill", "victim") == "victim"
    assert waiting.communicate(timeout=20)[0] == "137\n"
    assert status(engine, "victim") == "exited 137"
    assert engine.ok("wait", "victim") == "137"


def test_stop_sends_the_signal_and_then_kills(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "polite", *SHELL, "trap 'exit 5' TERM; while :; do sleep 0.05; done")
    engine.ok("stop", "polite")
    assert status(engine, "polite") == "exited 5"
    engine.ok("run", "-d", "--name", "deaf", *SHELL, "trap '' TERM; while :; do sleep 0.05; done")
    engine.ok("stop", "-t", "1", "deaf")
    assert status(engine, "deaf") == "exited 137"


def test_start_again_keeps_the_file_system(engine: Engine) -> None:
    engine.ok("run", "--name", "twice", *SHELL, "echo line >> /file; wc -l < /file")
    assert engine.ok("start", "-a", "twice") == "2"


def test_restart(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "again", *SLEEP)
    first = engine.ok("inspect", "-f", "{{.State.Pid}}", "again")
    engine.ok("restart", "-t", "0", "again")
    assert status(engine, "again") == "running 0"
    assert engine.ok("inspect", "-f", "{{.State.Pid}}", "again") != first


def test_remove_running_needs_force(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "stubborn", *SLEEP)
    refused = engine.docker("rm", "stubborn")
    assert (refused.returncode, "running" in refused.stderr) == (1, True)
    assert engine.ok("rm", "-f", "stubborn") == "stubborn"
    gone = engine.docker("inspect", "--type", "container", "stubborn")
    assert (gone.returncode, "No such container: stubborn" in gone.stderr) == (1, True)


def test_exec(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "host", "-e", "A=1", *SLEEP)
    assert engine.ok("exec", "-e", "B=2", "-w", "/tmp", "host", "sh", "-c", "echo $A$B; pwd") == "12\n/tmp"
    assert engine.ok("exec", "-u", "daemon", "host", "id", "-u") == "1"
    assert engine.ok("exec", "-i", "host", "cat", stdin="through") == "through"
    assert engine.docker("exec", "host", "sh", "-c", "exit 9").returncode == 9
    assert engine.docker("exec", "host", "no-such").returncode in (126, 127)  # docker 20.10 says 126, newer ones 127
    result = engine.docker("exec", "host", "sh", "-c", "echo o; echo e >&2")
    assert (result.stdout, result.stderr) == ("o\n", "e\n")
    engine.ok("stop", "-t", "0", "host")
    stopped = engine.docker("exec", "host", "true")
    assert (stopped.returncode, "is not running" in stopped.stderr) == (1, True)


def test_ps_and_its_filters(engine: Engine) -> None:
    running = engine.ok("run", "-d", "--name", "up", "--label", "a=b", *SLEEP)
    engine.docker("run", "--name", "down", *SHELL, "exit 3")
    assert engine.ok("ps", "-q", "--no-trunc") == running
    assert engine.ok("ps", "-a", "--format", "{{.Names}}").split() == ["down", "up"]
    assert engine.ok("ps", "-a", "-f", "status=exited", "--format", "{{.Names}}") == "down"
    assert engine.ok("ps", "-f", "label=a=b", "--format", "{{.Image}} {{.Command}}") == 'busybox "sleep 300"'
    assert engine.ok("ps", "-a", "-f", "exited=3", "--format", "{{.Names}}") == "down"
    assert engine.ok("ps", "--format", "{{.Status}}").startswith("Up ")
    assert engine.ok("ps", "-a", "-f", "name=down", "--format", "{{.Status}}").startswith("Exited (3) ")


def test_top_shows_the_processes(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "busy", *SLEEP)
    header, process = engine.ok("top", "busy").splitlines()
    assert header.split()[:3] == ["UID", "PID", "PPID"]
    assert process.endswith("sleep 300")


def test_events_tell_what_happened(engine: Engine) -> None:
    engine.docker("run", "--name", "eventful", *SHELL, "exit 4")
    engine.ok("rm", "eventful")
    until = str(int(time.time()) + 2)
    told = engine.ok("events", "--since", "10m", "--until", until, "-f", "container=eventful", "--format", "{{json .}}")
    events = [json.loads(line) for line in told.splitlines()]
    actions = [event["Action"] for event in events if event["Type"] == "container"]
    wanted = ["create", "start", "die", "destroy"]
    assert [action for action in actions if action in wanted] == wanted
    died = next(event for event in events if event["Action"] == "die")
    assert died["Actor"]["Attributes"]["exitCode"] == "4"
    assert died["Actor"]["Attributes"]["name"] == "eventful"


def test_automatic_removal(engine: Engine) -> None:
    engine.ok("run", "-d", "--rm", "--name", "brief", *SHELL, "sleep 0.1")
    engine.until(lambda: engine.ok("ps", "-aq") == "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("no-such-command",), 127), (("/etc/passwd",), 126), (("/etc",), 126), (("-w", "/nowhere", "true"), 127)],
)
def test_exec_of_what_cannot_be_run(engine: Engine, arguments: tuple[str, ...], code: int) -> None:
    engine.ok("run", "-d", "--name", "host-of-it", "--network", "none", "busybox", "sleep", "100")
    options = arguments[:-1]
    result = engine.docker("exec", *options, "host-of-it", arguments[-1])
    assert "OCI runtime exec failed: exec failed: unable to start container process" in result.stdout + result.stderr
    old = os.environ.get("PYRUNC_TEST_ENGINE", "").startswith("dockerd")  # Debian 12's answers 126 to each
    assert result.returncode == (126 if old else code)
