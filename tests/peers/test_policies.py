"""Restart policies, health checks, update, pause, stats and log drivers, as the docker CLI asks for them."""

from __future__ import annotations

import http.client
import json
import time

from tests.support.daemon import UnixConnection

from .conftest import Engine

SHELL = ("--network", "none", "busybox", "sh", "-c")
SLEEP = ("--network", "none", "busybox", "sleep", "300")


def inspect(engine: Engine, name: str, template: str) -> str:
    return engine.ok("inspect", "-f", template, name)


def request(engine: Engine, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    """One request past the docker CLI."""
    connection = UnixConnection(engine.host.removeprefix("unix://"), timeout=30)
    try:
        connection.request(
            method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_on_failure_ends_after_so_many_tries(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "fails", "--restart", "on-failure:2", *SHELL, "echo try; exit 3")
    engine.until(lambda: inspect(engine, "fails", "{{.State.Status}}") == "exited")
    assert inspect(engine, "fails", "{{.RestartCount}} {{.State.ExitCode}}") == "2 3"
    assert inspect(engine, "fails", "{{json .HostConfig.RestartPolicy}}") == (
        '{"Name":"on-failure","MaximumRetryCount":2}'
    )
    assert engine.ok("logs", "fails") == "try\ntry\ntry"
    assert engine.ok("wait", "fails") == "3"


def test_a_container_between_two_runs(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "loops", "--restart", "always", *SHELL, "exit 7")
    engine.until(lambda: inspect(engine, "loops", "{{.RestartCount}} {{.State.Restarting}}") == "5 true")
    assert inspect(engine, "loops", "{{.State.Status}} {{.State.Running}} {{.State.Pid}}") == "restarting true 0"
    assert engine.ok("ps", "--filter", "name=loops", "--format", "{{.Status}}").startswith("Restarting (7) ")
    refused = engine.docker("rm", "loops")
    assert (refused.returncode, "restarting" in refused.stderr) == (1, True)
    refused = engine.docker("exec", "loops", "true")
    assert "is restarting, wait until the container is running" in refused.stderr
    engine.ok("stop", "loops")
    assert inspect(engine, "loops", "{{.State.Status}} {{.State.ExitCode}}") == "exited 7"


def test_what_was_stopped_stays_stopped(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "stays", "--restart", "unless-stopped", *SLEEP)
    engine.ok("stop", "-t", "0", "stays")
    time.sleep(0.5)
    assert inspect(engine, "stays", "{{.State.Status}} {{.RestartCount}}") == "exited 0"


def test_a_policy_excludes_removal(engine: Engine) -> None:
    body = {"Image": "busybox", "HostConfig": {"AutoRemove": True, "RestartPolicy": {"Name": "always"}}}
    status, text = request(engine, "POST", "/containers/create", body)
    assert (status, b"AutoRemove" in text) == (400, True)


def test_update_of_policy_and_limits(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "changes", "--memory", "64m", "--memory-swap", "128m", *SLEEP)
    assert engine.ok("update", "--restart", "on-failure:4", "--memory", "96m", "--pids-limit", "40", "changes") == (
        "changes"
    )
    told = (
        "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}"
    )
    assert inspect(engine, "changes", told) == f"on-failure {96 << 20} {128 << 20} 40"
    refused = engine.docker("update", "--memory", "256m", "changes")
    assert "update the memoryswap at the same time" in refused.stderr
    assert inspect(engine, "changes", "{{.HostConfig.Memory}}") == str(96 << 20)


def test_health_check(engine: Engine) -> None:
    probe = ("--health-cmd", "test -e /tmp/good", "--health-interval", "200ms", "--health-retries", "2")
    engine.ok("run", "-d", "--name", "well", "--tmpfs", "/tmp", *probe, *SLEEP)
    assert inspect(engine, "well", "{{.State.Health.Status}}") == "starting"
    assert engine.ok("ps", "--filter", "name=well", "--format", "{{.Status}}").endswith("(health: starting)")
    engine.until(lambda: inspect(engine, "well", "{{.State.Health.Status}}") == "unhealthy")
    assert engine.ok("ps", "-q", "--filter", "health=unhealthy")
    engine.ok("exec", "well", "touch", "/tmp/good")
    engine.until(lambda: inspect(engine, "well", "{{.State.Health.Status}}") == "healthy")
    entry = json.loads(inspect(engine, "well", "{{json (index .State.Health.Log 0)}}"))
    assert set(entry) == {"Start", "End", "ExitCode", "Output"}
    assert json.loads(inspect(engine, "well", "{{json .Config.Healthcheck}}")) == {
        "Test": ["CMD-SHELL", "test -e /tmp/good"], "Interval": 200_000_000, "Retries": 2,
    }  # fmt: skip
    events = engine.ok("events", "--since", "60s", "--until", f"{time.time():.9f}", "--filter", "event=health_status", "--filter",
                       "container=well", "--format", "{{.Action}}")  # fmt: skip
    assert events.splitlines() == ["health_status: unhealthy", "health_status: healthy"]


def test_no_healthcheck(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "unwatched", "--no-healthcheck", *SLEEP)
    assert inspect(engine, "unwatched", "{{.State.Health}}") == "<nil>"
    refused = engine.docker("create", "--health-cmd", "true", "--health-interval", "1us", *SLEEP)
    assert "Interval in Healthcheck cannot be less than 1ms" in refused.stderr


def test_pause_stats_and_wait(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "calm", *SLEEP)
    assert engine.ok("pause", "calm") == "calm"
    assert engine.ok("ps", "--filter", "status=paused", "--format", "{{.Names}} {{.Status}}").startswith("calm Up ")
    refused = engine.docker("pause", "calm")
    assert (refused.returncode, "is already paused" in refused.stderr) == (1, True)
    assert engine.ok("unpause", "calm") == "calm"
    line = engine.ok("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "calm")
    assert line == "calm 1"
    engine.ok("kill", "calm")
    assert request(engine, "POST", "/containers/calm/wait?condition=not-running")[0] == http.client.OK


def test_resize_without_a_terminal_is_no_error(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "flat", *SLEEP)
    assert request(engine, "POST", "/containers/flat/resize?h=20&w=40")[0] == http.client.OK
    engine.ok("kill", "flat")
    assert engine.ok("wait", "flat") == "137"
    status, text = request(engine, "POST", "/containers/flat/resize?h=20&w=40")
    assert (status, b"is not running" in text) == (http.client.CONFLICT, True)


def test_log_driver_local(engine: Engine) -> None:
    engine.ok("run", "--name", "compact", "--log-driver", "local", *SHELL, "seq 1 2000; echo err >&2")
    said = engine.docker("logs", "compact")
    assert (said.stdout.split(), said.stderr) == ([str(n) for n in range(1, 2001)], "err\n")
    tail = engine.docker("logs", "-t", "--tail", "3", "compact")
    assert len((tail.stdout + tail.stderr).splitlines()) == 3
    assert inspect(engine, "compact", "{{.HostConfig.LogConfig.Type}}{{.LogPath}}") == "local"


def test_labels_and_rotation_of_json_file(engine: Engine) -> None:
    options = ("--log-opt", "max-size=20k", "--log-opt", "max-file=3", "--log-opt", "compress=true")
    named = ("--label", "team=a b", "--env", "X=y", "--log-opt", "labels=team", "--log-opt", "env=X")
    engine.ok("run", "--name", "turns", *options, *named, *SHELL, "seq 100000 104000; sleep 1; echo end")
    said = engine.ok("logs", "turns").split()
    assert said[-1] == "end"
    assert said[:-1] == [str(n) for n in range(104001 - len(said) + 1, 104001)]
    assert engine.ok("logs", "--details", "--tail", "1", "turns") == "X=y,team=a+b end"
    refused = engine.docker("create", "--log-opt", "nonsense=1", *SLEEP)
    assert "unknown log opt 'nonsense' for json-file log driver" in refused.stderr
