"""Where the daemon is: ``--host``, PYCTL_HOST, DOCKER_HOST, the default, and what is said when nobody is there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from pyctl.errors import InvalidHost
from pyctl.hosts import DEFAULT_HOST, choose_host, parse_host
from tests.support.daemon import Daemon


def pyctl(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "PYCTL_"))}
    return subprocess.run(
        [sys.executable, "-m", "pyctl", *args],
        capture_output=True,
        text=True,
        env={**inherited, **environment},
        timeout=60,
        check=False,
    )


def test_who_wins() -> None:
    both = {"PYCTL_HOST": "unix:///p", "DOCKER_HOST": "unix:///d"}
    assert choose_host("unix:///f", both) == ("unix:///f", False)
    assert choose_host(None, both) == ("unix:///p", False)
    assert choose_host(None, {"DOCKER_HOST": "unix:///d", "PYCTL_HOST": ""}) == ("unix:///d", False)
    assert choose_host(None, {}) == (DEFAULT_HOST, True)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("unix:///run/x.sock", "http+unix://%2Frun%2Fx.sock"),
        ("tcp://h:1", "http://h:1"),
        ("h:1", "http://h:1"),
        ("http://h", "http://h:2375"),
        ("tcp://[::1]:99", "http://[::1]:99"),
        ("tcp://", "http://localhost:2375"),
    ],
)
def test_addresses(text: str, base: str) -> None:
    assert parse_host(text).http_base == base


@pytest.mark.parametrize("text", ["ssh://", "fd://", "tcp://h:x"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidHost, match="unable to parse docker host"):
        parse_host(text)


def test_the_flag_and_the_variables(shared_daemon: Daemon, tmp_path: Path) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    assert pyctl("-H", shared_daemon.host, "ps", "-q", PYCTL_HOST=nobody).returncode == 0
    assert pyctl("--host", shared_daemon.host, "ps", "-q").returncode == 0
    assert pyctl("ps", "-q", PYCTL_HOST=shared_daemon.host, DOCKER_HOST=nobody).returncode == 0
    assert pyctl("ps", "-q", DOCKER_HOST=shared_daemon.host).returncode == 0


def test_nobody_there(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nobody.sock"
    result = pyctl("ps", PYCTL_HOST=host)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Cannot connect to the Docker daemon at {host}. Is the docker daemon running?\n"
    assert pyctl("run", "host", PYCTL_HOST=host).returncode == 125


def test_over_tcp(shared_daemon: Daemon) -> None:
    """A relay between a port on loopback and the daemon's socket stands for a daemon elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = threading.Thread(target=_relay, args=(server, str(shared_daemon.socket)))
        relay.start()
        try:
            host = f"tcp://127.0.0.1:{server.getsockname()[1]}"
            result = pyctl("-H", host, "run", "--rm", "host", "echo", "far away")
        finally:
            server.shutdown(socket.SHUT_RDWR)
            relay.join()
    assert (result.returncode, result.stdout) == (0, "far away\n"), result.stderr


def _relay(server: socket.socket, path: str) -> None:
    with ExitStack() as stack:
        while True:
            try:
                near = stack.enter_context(server.accept()[0])
            except OSError:
                return
            far = stack.enter_context(socket.socket(socket.AF_UNIX))
            far.connect(path)
            for ends in ((near, far), (far, near)):
                pump = threading.Thread(target=_pump, args=ends)
                pump.start()
                stack.callback(pump.join)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_a_daemon_is_started_where_none_listens_and_that_is_said() -> None:
    """In namespaces of its own, where the default places are empty and everything ends with the last command."""
    script = (
        "mount -t tmpfs x /run && mount -t tmpfs x /var/lib && mount -t tmpfs x /var/log && "
        f"{sys.executable} -m pyctl ps -q && {sys.executable} -m pyctl images -q"
    )
    unshare = shutil.which("unshare")
    assert unshare
    result = subprocess.run(
        [unshare, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "PYCTL_"))},
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1  # the host image; no container
    said = result.stderr.splitlines()
    assert len(said) == 1  # by the first command only
    assert said[0].startswith("No daemon listens on unix:///run/pydockerd.sock: starting ")
