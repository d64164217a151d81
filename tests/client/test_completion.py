"""Completion by the shells themselves, of commands, flags and names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon


@pytest.fixture(scope="module")
def named(shared_daemon: Daemon) -> Iterator[Daemon]:
    for name in ("frontend", "front-two", "other"):
        assert shared_daemon.pyctl("create", "--name", name, "--network", "none", "host", "true").returncode == 0
    yield shared_daemon
    shared_daemon.remove_containers()


@pytest.fixture
def command(tmp_path: Path) -> Path:
    program = tmp_path / "pyctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pyctl "$@"\n')
    program.chmod(0o755)
    return program


def in_bash(daemon: Daemon, command: Path, *words: str) -> list[str]:
    """What bash has in COMPREPLY after these words."""
    line = " ".join(f'"{word}"' for word in ("pyctl", *words))
    script = f"""
source <(pyctl completion bash)
COMP_WORDS=({line}); COMP_CWORD={len(words)}
_pyctl_completion pyctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environment = daemon.environment()
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment | {"PATH": f"{command.parent}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash(named: Daemon, command: Path) -> None:
    assert in_bash(named, command, "imag") == ["image", "images"]
    assert in_bash(named, command, "container", "pru") == ["prune"]
    assert in_bash(named, command, "ps", "--no-t") == ["--no-trunc"]
    assert in_bash(named, command, "logs", "front") == ["front-two", "frontend"]
    assert in_bash(named, command, "rm", "-f", "other", "fr") == ["front-two", "frontend"]
    assert in_bash(named, command, "run", "--rm", "ho") == ["host", "host:latest"]
    assert in_bash(named, command, "-H", "unix:///nowhere", "logs", "front") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_others_are_given_what_they_source(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyctl", "completion", shell], capture_output=True, text=True, check=True
    )
    assert f"_PYCTL_COMPLETE={shell}_complete" in done.stdout
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)


def test_another_shell() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyctl", "completion", "csh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, 'no completion for "csh": use one of bash, fish, zsh\n')
