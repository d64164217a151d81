"""Networks over the death of the daemon: what runs stays connected, the next daemon knows it, and in the end nothing is left."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon

ANSWER = "while :; do echo hello | nc -l -p 80; done"


@pytest.fixture
def busy(daemon: Daemon, busybox_tar: Path) -> Daemon:
    """A daemon of this test's own, with busybox."""
    assert daemon.docker("import", "-c", "CMD sh", str(busybox_tar), "busybox:latest").returncode == 0
    return daemon


def ok(daemon: Daemon, *args: str) -> str:
    done = daemon.docker(*args)
    assert done.returncode == 0, (args, done.stderr, daemon.log())
    return done.stdout.strip()


def shown(daemon: Daemon, name: str) -> Any:
    return json.loads(ok(daemon, "inspect", name))[0]["NetworkSettings"]


def until(wanted: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not wanted():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def hello(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return connection.recv(10) == b"hello\n"
    except OSError:
        return False


def links() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def test_containers_stay_connected_while_there_is_no_daemon(busy: Daemon) -> None:
    before = links()
    ok(busy, "network", "create", "kept")
    ok(busy, "run", "-d", "--name", "web", "--network", "kept", "-p", "80", "busybox", "sh", "-c", ANSWER)
    ok(busy, "run", "-d", "--name", "brief", "busybox", "sleep", "300")
    port = int(shown(busy, "web")["Ports"]["80/tcp"][0]["HostPort"])
    was = shown(busy, "web")["Networks"]
    until(lambda: hello(port))
    pid = json.loads(ok(busy, "inspect", "brief"))[0]["State"]["Pid"]
    busy.kill9()
    until(lambda: hello(port))
    subprocess.run(["kill", "-9", str(pid)], check=True)  # and one ends while nobody is there to see it
    busy.start()
    assert shown(busy, "web")["Networks"] == was
    until(lambda: hello(port))
    in_use = busy.docker("run", "--rm", "-p", f"{port}:80", "busybox", "true")
    assert "port is already allocated" in in_use.stderr
    assert shown(busy, "brief")["Networks"]["bridge"]["IPAddress"] == ""
    ok(busy, "rm", "-f", "web", "brief")
    ok(busy, "network", "rm", "kept")
    until(lambda: {name for name in links() - before if not name.startswith("pydock-")} == set())


def test_a_container_that_its_policy_starts_again_is_connected_again(busy: Daemon) -> None:
    ok(busy, "run", "-d", "--name", "web", "--restart", "always", "-p", "80", "busybox", "sh", "-c", ANSWER)
    until(lambda: hello(int(shown(busy, "web")["Ports"]["80/tcp"][0]["HostPort"])))
    pid = json.loads(ok(busy, "inspect", "web"))[0]["State"]["Pid"]
    subprocess.run(["kill", "-9", str(pid)], check=True)
    until(lambda: json.loads(ok(busy, "inspect", "web"))[0]["State"]["Pid"] not in {0, pid})
    until(lambda: hello(int(shown(busy, "web")["Ports"]["80/tcp"][0]["HostPort"])))


def test_a_daemon_that_stops_takes_its_empty_bridge_along(busy: Daemon) -> None:
    before = links()
    ok(busy, "run", "--rm", "busybox", "true")
    assert links() - before
    (bridge,) = (name for name in links() - before if name.startswith("pydock-"))
    busy.stop()
    assert links() == before
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert bridge.removeprefix("pydock-") not in tables


def test_settings_of_the_default_network(busybox_tar: Path) -> None:
    daemon = Daemon(options=("--bip", "10.236.7.1/24", "--fixed-cidr", "10.236.7.128/25", "--mtu", "1400"))
    daemon.start()
    try:
        ok(daemon, "import", "-c", "CMD sh", str(busybox_tar), "busybox:latest")
        ok(daemon, "run", "-d", "--name", "web", "busybox", "sleep", "300")
        network = shown(daemon, "web")["Networks"]["bridge"]
        assert (network["Gateway"], network["IPAddress"]) == ("10.236.7.1", "10.236.7.128")
        assert "mtu 1400" in ok(daemon, "exec", "web", "ip", "link", "show", "eth0")
        daemon.remove_containers()
        daemon.stop()
        daemon.options = ("--bridge", "none")
        daemon.start()
        assert "bridge" not in ok(daemon, "network", "ls", "--format", "{{.Name}}").split()
        ok(daemon, "run", "-d", "--name", "alone", "busybox", "sleep", "300")
        assert list(shown(daemon, "alone")["Networks"]) == ["none"]
    finally:
        daemon.end()
        shutil.rmtree(daemon.directory)
