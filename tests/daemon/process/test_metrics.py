"""Metrics as Prometheus reads them."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.daemon.process.conftest import Starter, ask, until
from tests.support.daemon import Daemon, Result

DOCKERDS = {
    "engine_daemon_container_actions_seconds",
    "engine_daemon_container_states_containers",
    "engine_daemon_engine_cpus_cpus",
    "engine_daemon_engine_info",
    "engine_daemon_engine_memory_bytes",
    "engine_daemon_events",
    "engine_daemon_events_subscribers_total",
    "engine_daemon_health_checks",
    "engine_daemon_health_checks_failed",
    "engine_daemon_host_info_functions_seconds",
    "builder_builds_triggered",
    "builder_builds_failed",
    "process_resident_memory_bytes",
    "process_open_fds",
}


def scrape(daemon: Daemon) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and its labels."""
    (address,) = set(re.findall(r"metrics are at (http://127\.0\.0\.1:\d+/metrics)", daemon.log()))
    with urllib.request.urlopen(address, timeout=20) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = response.read().decode()
    families = list(text_string_to_metric_families(text))
    assert {family.name for family in families} >= DOCKERDS
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def build(daemon: Daemon, dockerfile: str) -> Result:
    """By the CLI without its own builder."""
    return subprocess.run(
        ["docker", "build", "-"],
        input=dockerfile,
        env={**daemon.environment(), "DOCKER_BUILDKIT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_happens_is_counted(start: Starter) -> None:
    daemon = start("--metrics-addr", "127.0.0.1:0")
    states = "engine_daemon_container_states_containers"
    actions = "engine_daemon_container_actions_seconds_count"
    before = scrape(daemon)
    assert [before[states, (("state", state),)] for state in ("paused", "running", "stopped")] == [0, 0, 0]
    assert {key[1][0][1] for key in before if key[0] == actions} == {"changes", "commit", "create", "delete", "start"}
    assert all(before[key] == 0 for key in before if key[0] == actions)
    healthy = ("--health-cmd", "test -e /tmp/absent", "--health-interval", "100ms", "--health-retries", "1")
    running = daemon.docker("run", "-d", "--network", "none", *healthy, "host", "sleep", "60")
    assert running.returncode == 0, running.stderr
    container = running.stdout.strip()
    daemon.docker("create", "--network", "none", "host", "true")
    other = daemon.docker("run", "-d", "--network", "none", "host", "sleep", "60").stdout.strip()
    assert daemon.docker("pause", other).returncode == 0
    ask(daemon, "GET", "/containers/nobody/json")
    ask(daemon, "GET", "/info")
    for dockerfile, status in (("FROM scratch\nLABEL a=b\n", 0), ("FROM scratch\nRUN true\n", 1)):
        assert build(daemon, dockerfile).returncode == status
    until(lambda: scrape(daemon)["engine_daemon_health_checks_failed_total", ()] >= 2)
    after = scrape(daemon)
    assert [after[states, (("state", state),)] for state in ("paused", "running", "stopped")] == [1, 1, 1]
    assert after[actions, (("action", "create"),)] == 3
    assert after[actions, (("action", "start"),)] == 2
    assert after["engine_daemon_health_checks_total", ()] >= after["engine_daemon_health_checks_failed_total", ()]
    assert after["engine_daemon_events_total", ()] >= 5
    assert after["engine_daemon_host_info_functions_seconds_count", (("function", "system_info"),)] == 1
    assert after["builder_builds_triggered_total", ()] == 2
    assert after["builder_builds_failed_total", (("reason", "error_processing_commands_error"),)] == 1
    requests = "engine_daemon_http_request_duration_seconds_count"
    assert after[requests, (("code", "404"), ("method", "GET"), ("path", "/containers/{id}/json"))] == 1
    assert after["engine_daemon_engine_memory_bytes", ()] == ask(daemon, "GET", "/info").json["MemTotal"]
    identity = ask(daemon, "GET", "/info").json["ID"]
    assert any(key[0] == "engine_daemon_engine_info" and ("daemon_id", identity) in key[1] for key in after)
    assert daemon.docker("rm", "-f", container).returncode == 0
    assert scrape(daemon)[actions, (("action", "delete"),)] == 1


def test_without_the_flag_the_library_is_not_imported() -> None:
    code = "import sys, pydockerd.process.daemon; print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
