"""Daemons that are reached by TLS and by ssh, with streams that go both ways."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyctl
from pyctl.hosts import Tls
from tests.daemon.process.conftest import Starter, port
from tests.daemon.process.conftest import start_shared as start_shared  # noqa: PLC0414 - a fixture
from tests.support.certificates import CertificateAuthority, Pair
from tests.support.daemon import Daemon, Result
from tests.support.run import RUN

LINES = "line\n" * 20000
BOX = ("run", "--rm", "-i", "--network", "none", "host")


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    directory = RUN.short_directory()
    yield CertificateAuthority.made(directory / "ca")
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def mine(authority: CertificateAuthority) -> Pair:
    return authority.issue("alice")


@pytest.fixture(scope="module")
def far(authority: CertificateAuthority, start_shared: Starter) -> Daemon:
    """A daemon that shows a certificate, and wants one."""
    pair = authority.issue("server", server=True)
    files = [f"--tlscacert={authority.certificate}", f"--tlscert={pair.certificate}", f"--tlskey={pair.key}"]
    return start_shared("-H", "tcp://127.0.0.1:0", "--tlsverify", *files)


def run(*args: str, input: str = "", **environment: str) -> Result:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "PYCTL_"))}
    return subprocess.run(
        [sys.executable, "-m", "pyctl", *args],
        input=input,
        capture_output=True,
        text=True,
        timeout=60,
        env=inherited | environment,
        check=False,
    )


def flags(daemon: Daemon, authority: CertificateAuthority, pair: Pair) -> list[str]:
    files = [f"--tlscacert={authority.certificate}", f"--tlscert={pair.certificate}", f"--tlskey={pair.key}"]
    return ["-H", f"tcp://127.0.0.1:{port(daemon)}", "--tlsverify", *files]


def test_streams_over_tls(far: Daemon, authority: CertificateAuthority, mine: Pair) -> None:
    """The input ends, and what comes of it still arrives."""
    own = flags(far, authority, mine)
    done = run(*own, *BOX, "cat", input=LINES)
    assert (done.returncode, done.stdout == LINES, done.stderr) == (0, True, "")
    done = run(*own, *BOX, "sh", "-c", "sort -u; echo end >&2; exit 3", input=LINES)
    assert (done.returncode, done.stdout, done.stderr) == (3, "line\n", "end\n")


def test_tls_by_the_environment(far: Daemon, authority: CertificateAuthority, mine: Pair, tmp_path: Path) -> None:
    for name, file in (("ca.pem", authority.certificate), ("cert.pem", mine.certificate), ("key.pem", mine.key)):
        shutil.copy(file, tmp_path / name)
    host = f"tcp://127.0.0.1:{port(far)}"
    done = run("ps", "-q", DOCKER_HOST=host, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_tls_by_a_context(far: Daemon, authority: CertificateAuthority, mine: Pair, tmp_path: Path) -> None:
    host = f"host=tcp://127.0.0.1:{port(far)},ca={authority.certificate},cert={mine.certificate},key={mine.key}"
    assert run("--config", str(tmp_path), "context", "create", "far", "--docker", host).returncode == 0
    done = run("--config", str(tmp_path), "-c", "far", *BOX, "echo", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")


def test_who_is_not_let_in_and_who_is_not_believed(
    far: Daemon, authority: CertificateAuthority, mine: Pair, tmp_path: Path
) -> None:
    host = ["-H", f"tcp://127.0.0.1:{port(far)}"]
    stranger = CertificateAuthority.made(tmp_path / "other")
    unknown = run(*host, "--tlsverify", f"--tlscacert={stranger.certificate}", "ps")
    assert unknown.returncode == 1
    assert "certificate verify failed" in unknown.stderr.lower().replace("_", " ")
    assert run(*host, "--tls", "--config", str(tmp_path), "ps").returncode == 1  # shows no certificate
    trusting = run(*host, "--tls", f"--tlscert={mine.certificate}", f"--tlskey={mine.key}", *BOX, "echo", "hi")
    assert (trusting.returncode, trusting.stdout, trusting.stderr) == (0, "hi\n", "")
    plain = run(*host, "ps")
    assert plain.returncode == 1
    missing = run(*host, "--tlsverify", "--tlscacert=/nowhere", "ps")
    assert missing.stderr.startswith("cannot use the TLS files /nowhere: ")


def test_the_library_over_tls(far: Daemon, authority: CertificateAuthority, mine: Pair) -> None:
    tls = Tls(ca=str(authority.certificate), certificate=str(mine.certificate), key=str(mine.key))
    with pyctl.Client(f"tcp://localhost:{port(far)}", tls=tls) as client:
        assert client.system.ping().os_type == "linux"


@pytest.fixture
def ssh(shared_daemon: Daemon, tmp_path: Path) -> dict[str, str]:
    """What sshd would do with the command that it is given: hand it to the user's shell, somewhere with another environment."""
    program = tmp_path / "ssh"
    program.write_text(
        '#!/bin/sh\necho "$@" >> "$SSH_SEEN"\nwhile [ "$1" != -- ]; do shift; done; shift 2\n'
        'PATH=$FAR_PATH DOCKER_HOST=$FAR_HOST exec sh -c "$*"\n'
    )
    program.chmod(0o755)
    return {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "FAR_PATH": os.environ["PATH"],
        "FAR_HOST": shared_daemon.host,
        "SSH_SEEN": str(tmp_path / "seen"),
    }


def test_by_ssh(ssh: dict[str, str]) -> None:
    done = run("-H", "ssh://me@far:2222", *BOX, "sh", "-c", "sort -u; exit 3", input=LINES, **ssh)
    assert (done.returncode, done.stdout, done.stderr) == (3, "line\n", "")
    seen = Path(ssh["SSH_SEEN"]).read_text().splitlines()
    assert all(line.startswith("-o ConnectTimeout=30 -T -l me -p 2222 -- far sh -c ") for line in seen)
    assert len(seen) < 6  # connections are used again


def test_by_ssh_to_a_socket_that_is_named(ssh: dict[str, str], shared_daemon: Daemon) -> None:
    done = run("-H", f"ssh://far{shared_daemon.socket}", "ps", "-q", **ssh | {"FAR_HOST": "unix:///nowhere"})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.peer
def test_by_ssh_where_there_is_only_docker(ssh: dict[str, str], tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("docker", "sh"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    done = run("-H", "ssh://far", *BOX, "cat", input=LINES, **ssh | {"FAR_PATH": str(tools)})
    assert (done.returncode, done.stdout == LINES, done.stderr) == (0, True, "")


@pytest.mark.peer
def test_docker_s_client_dials_through_ours(ssh: dict[str, str], tmp_path: Path, shared_daemon: Daemon) -> None:
    """On the other machine is ``pyctl``, called ``docker``."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to(shutil.which("sh") or "")
    (tools / "docker").write_text(f'#!/bin/sh\nexec {sys.executable} -m pyctl "$@"\n')
    (tools / "docker").chmod(0o755)
    done = subprocess.run(
        ["docker", "-H", "ssh://far", *BOX, "cat"],
        input=LINES,
        env=shared_daemon.environment() | ssh | {"FAR_PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout == LINES) == (0, True), done.stderr
