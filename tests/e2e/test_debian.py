"""Real input: a Debian root file system, in which a Python program, a compiler and a network server do their work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.daemon import Daemon

# The first of them makes the root file system where this user has none in the cache: minutes, on a slow mirror or a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SERVER = """
import http.server, threading, urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/etc/debian_version") as answer:
    print(answer.status, answer.read().decode().split(".")[0])
"""


@pytest.fixture
def debian(shared_daemon: Daemon, debian_rootfs_tar: Path) -> Daemon:
    if not shared_daemon.docker("images", "-q", "debian:test").stdout:
        imported = shared_daemon.docker("import", str(debian_rootfs_tar), "debian:test", timeout=300)
        assert imported.returncode == 0, imported.stderr
    return shared_daemon


def run(daemon: Daemon, *command: str) -> str:
    result = daemon.docker("run", "--rm", "--network", "none", "-w", "/", "debian:test", *command, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_python_program(debian: Daemon) -> None:
    program = (
        "import hashlib, platform; print(platform.freedesktop_os_release()['ID'], hashlib.sha256(b'x').hexdigest()[:8])"
    )
    assert run(debian, "python3", "-c", program) == "debian 2d711642\n"


def test_a_compiler(debian: Daemon) -> None:
    script = "echo 'int main(void) { return 42; }' > /tmp/a.c && gcc -o /tmp/a /tmp/a.c && { /tmp/a; echo $?; }"
    assert run(debian, "sh", "-c", script) == "42\n"


def test_a_network_server_on_loopback(debian: Daemon) -> None:
    assert run(debian, "python3", "-c", SERVER) == "200 12\n"
