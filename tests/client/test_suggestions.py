"""What was nearly typed: commands, flags, names of containers and images; and a daemon that ends as soon as it has begun."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from pyctl.app import launch
from pyctl.app.suggest import alike, question
from pyctl.errors import DaemonUnavailable
from tests.support.daemon import Daemon


def pyctl(*args: str) -> str:
    return subprocess.run([sys.executable, "-m", "pyctl", *args], capture_output=True, text=True, check=False).stderr


def test_commands_and_flags() -> None:
    assert "\n\tpyctl images\n" in pyctl("imagse")
    assert "Did you mean\n\tpyctl container prune\n" in pyctl("container", "prne")
    assert "unknown flag: --no-trnc\n\nDid you mean\n\t--no-trunc\n" in pyctl("ps", "--no-trnc")
    assert "Did you mean" not in pyctl("bogus") + pyctl("ps", "--bogus")


def test_nothing_is_guessed_from_little() -> None:
    assert alike("x", ["ps", "rm"]) == []
    assert question("web2", ["web1", "db"]) == "\n\nDid you mean\n\tweb1"


def test_names_on_a_terminal(shared_daemon: Daemon) -> None:
    shared_daemon.pyctl("create", "--name", "frontend", "--network", "none", "host", "true")
    try:
        for command in (["logs", "fronted"], ["stop", "fronted"]):
            child = pexpect.spawn(
                sys.executable, ["-m", "pyctl", *command], env=shared_daemon.environment(), timeout=30
            )
            child.expect("No such container: fronted\r\n\r\nDid you mean\r\n\tfrontend\r\n")
            child.expect(pexpect.EOF)
            child.close()
        assert (
            shared_daemon.pyctl("logs", "fronted").stderr == "Error response from daemon: No such container: fronted\n"
        )
    finally:
        shared_daemon.remove_containers()


def test_a_daemon_that_ends_as_soon_as_it_listens(tmp_short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"import socket, time; s = socket.socket(1); s.bind('{tmp_short}/s'); s.listen(); time.sleep(0.3); exit(7)"
    monkeypatch.setattr(launch, "find_daemon", lambda: [sys.executable, "-c", code])
    monkeypatch.setattr(launch, "LOG", tmp_short / "log")
    with pytest.raises(DaemonUnavailable, match=rf"ended with exit code 7.*see {tmp_short}/log"):
        launch.ensure_daemon(f"{tmp_short}/s", f"unix://{tmp_short}/s")
