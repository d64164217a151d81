"""Who may come in: unix sockets, sockets that are handed over, TCP with and without TLS; the docker CLI is the judge."""

from __future__ import annotations

import grp
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process.conftest import Starter, ask, port, until
from tests.support.certificates import CertificateAuthority, Pair
from tests.support.daemon import Daemon, Result, answers
from tests.support.run import RUN


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    directory = RUN.short_directory()
    yield CertificateAuthority.made(directory / "ca")
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def alice(authority: CertificateAuthority) -> Pair:
    return authority.issue("alice")


def tls_flags(authority: CertificateAuthority) -> list[str]:
    pair = authority.issue("server", server=True)
    return [f"--tlscacert={authority.certificate}", f"--tlscert={pair.certificate}", f"--tlskey={pair.key}"]


@pytest.fixture(scope="module")
def verifying(authority: CertificateAuthority, start_shared: Starter) -> Daemon:
    """A daemon that lets in who has a certificate."""
    here = "python://tests.daemon.process.hooks:OnlyAliceCreates"
    return start_shared("-H", "tcp://127.0.0.1:0", "--tlsverify", *tls_flags(authority), "--authorization-plugin", here)


def docker(daemon: Daemon, *args: str, input: str | None = None) -> Result:
    """The CLI over TCP."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    return subprocess.run(
        ["docker", "-H", f"tcp://127.0.0.1:{port(daemon)}", *args],
        input=input or "",
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "DOCKER_CONFIG": str(daemon.directory / "config")},
        check=False,
    )


def showing(authority: CertificateAuthority, pair: Pair) -> list[str]:
    return [
        "--tlsverify",
        f"--tlscacert={authority.certificate}",
        f"--tlscert={pair.certificate}",
        f"--tlskey={pair.key}",
    ]


def test_a_certificate_of_the_authority_lets_in(
    verifying: Daemon, authority: CertificateAuthority, alice: Pair
) -> None:
    said = docker(verifying, *showing(authority, alice), "version", "--format", "{{.Server.Platform.Name}}")
    assert (said.returncode, said.stdout) == (0, "pydockerd\n"), said.stderr


def test_streams_both_ways_over_tls(verifying: Daemon, authority: CertificateAuthority, alice: Pair) -> None:
    """The client ends its input, and the output that comes of it still arrives."""
    flags = showing(authority, alice)
    text = "line\n" * 20000
    said = docker(verifying, *flags, "run", "--rm", "-i", "--network", "none", "host", "sort", "-u", input=text)
    assert (said.returncode, said.stdout) == (0, "line\n"), said.stderr
    said = docker(verifying, *flags, "run", "--rm", "-i", "--network", "none", "host", "cat", input=text)
    assert (said.returncode, said.stdout) == (0, text), said.stderr


def test_docker_py_ends_its_input_beneath_tls(verifying: Daemon, authority: CertificateAuthority, alice: Pair) -> None:
    """A half-closed TCP connection without an end of TLS."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.load_cert_chain(alice.certificate, alice.key)
    flags = showing(authority, alice)
    made = docker(verifying, *flags, "create", "-i", "--network", "none", "host", "sh", "-c", "sort; echo end")
    assert made.returncode == 0, made.stderr
    name = made.stdout.strip()
    with (
        socket.create_connection(("127.0.0.1", port(verifying)), 20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=True) as connection,
    ):
        connection.sendall(
            f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
        )
        head = connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\n"), head
        assert docker(verifying, *flags, "start", name).returncode == 0
        connection.sendall(b"b\na\n")
        socket.socket.shutdown(connection, socket.SHUT_WR)
        received = b""
        while data := connection.recv(4096):
            received += data
        assert b"a\nb\n" in received
        assert received.endswith(b"end\n")
    assert docker(verifying, *flags, "rm", "-f", name).returncode == 0


def test_without_a_certificate_nobody_comes_in(verifying: Daemon, authority: CertificateAuthority) -> None:
    said = docker(verifying, "--tls", f"--tlscacert={authority.certificate}", "version")
    assert (said.returncode, "Server:" in said.stdout) == (1, False)
    # asyncio ends the connection before the reason has left, so the client has many words for it
    until(lambda: "refused: a client on TLS: peer did not return a certificate" in verifying.log())
    plain = docker(verifying, "version")
    assert plain.returncode == 1
    assert "Server:" not in plain.stdout


def test_nor_with_one_of_somebody_else(verifying: Daemon, authority: CertificateAuthority, tmp_path: Path) -> None:
    other = CertificateAuthority.made(tmp_path / "other").issue("alice")
    said = docker(verifying, *showing(authority, other), "version")
    assert said.returncode == 1
    assert "Server:" not in said.stdout
    until(lambda: re.search("refused: a client on TLS: .*(certificate|issuer)", verifying.log()))


def test_old_tls_is_not_spoken(verifying: Daemon, authority: CertificateAuthority) -> None:
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port(verifying)), 20) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_the_name_in_the_certificate_is_who_asks(
    verifying: Daemon, authority: CertificateAuthority, alice: Pair
) -> None:
    create = ("create", "--network", "none", "host", "true")
    made = docker(verifying, *showing(authority, alice), *create)
    assert made.returncode == 0, made.stderr
    bob = authority.issue("bob")
    refused = docker(verifying, *showing(authority, bob), *create)
    assert refused.returncode == 1
    assert "authorization denied by plugin only-alice-creates: bob may only look" in refused.stderr
    told = [line for line in verifying.log().splitlines() if "refused" in line]
    assert told
    assert "user=bob method=POST" in told[-1]
    assert "/containers/create by=only-alice-creates" in told[-1]
    listed = docker(verifying, *showing(authority, bob), "ps", "-aq", "--no-trunc")
    assert listed.stdout.split() == made.stdout.split()
    assert docker(verifying, *showing(authority, alice), "rm", made.stdout.strip()).returncode == 0


def test_tls_for_anybody_if_it_is_said(start: Starter, authority: CertificateAuthority) -> None:
    daemon = start("-H", "tcp://127.0.0.1:0", "--tls", "--tlsverify=false", *tls_flags(authority))
    flags = ("--tlsverify", f"--tlscacert={authority.certificate}")
    assert docker(daemon, *flags, "version", "--format", "{{.Server.Os}}").stdout == "linux\n"
    assert "nobody has to prove who he is" in daemon.log()


GROUP = grp.getgrgid(100)


@pytest.fixture(scope="module")
def open_daemon(start_shared: Starter) -> Daemon:
    """One whose doors are open: to a group, and to whoever comes over TCP."""
    return start_shared("--group", GROUP.gr_name, "-H", "tcp://127.0.0.1:0", "--tls=false")


def test_plain_tcp_if_it_is_said_twice(open_daemon: Daemon) -> None:
    assert docker(open_daemon, "version", "--format", "{{.Server.Os}}").stdout == "linux\n"
    assert "not encrypted, and nobody has to prove who he is" in open_daemon.log()
    assert (
        "API is accessible on http://127.0.0.1:0 without encryption"
        in ask(open_daemon, "GET", "/info").json["Warnings"][-1]
    )


def test_the_socket_is_roots_and_its_groups(open_daemon: Daemon) -> None:
    found = open_daemon.socket.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o660, 0, GROUP.gr_gid)
    for directory in (open_daemon.directory, open_daemon.directory.parent):
        directory.chmod(0o755)
    for extra, expected in (((), 7), ((GROUP.gr_gid,), 0)):  # 7: it could not connect
        done = subprocess.run(
            ["curl", "-sS", "--unix-socket", str(open_daemon.socket), "http://d/_ping"],
            user=65534,
            group=65534,
            extra_groups=list(extra),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, done.stderr


def test_a_service_manager_hands_over_sockets_and_is_told(tmp_short: Path) -> None:
    """As systemd does it: descriptors from 3 on, what they are in the environment of that process alone, and somebody who waits for READY=1."""
    daemon = Daemon()
    given = tmp_short / "given.sock"
    with (
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket() as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        (daemon.directory / "log").open("wb") as log,
    ):
        manager.bind(str(tmp_short / "notify"))
        manager.settimeout(30)
        unix.bind(str(given))
        unix.listen()
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        command = [*daemon.command(), "-H", "fd://api", "-H", "fd://4", "--tls=false"]
        script = 'exec 3<&"$1" 4<&"$2"; shift 2; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=api:tcp exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", str(unix.fileno()), str(tcp.fileno()), *command],
            pass_fds=(unix.fileno(), tcp.fileno()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_short / "notify")},
        )
        daemon.process = process
        try:
            assert manager.recv(200).decode().splitlines() == ["READY=1", f"MAINPID={process.pid}"]
            assert answers(str(given)), daemon.log()
            process.send_signal(signal.SIGHUP)
            assert manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(200).startswith(b"READY=1\n")
            assert f"tcp://127.0.0.1:{tcp.getsockname()[1]}" in daemon.log()
            run = subprocess.run(
                ["docker", "-H", f"unix://{given}", "run", "--rm", "--network", "none", "host", "env"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert run.returncode == 0, run.stderr
            assert not re.search("LISTEN_|NOTIFY_SOCKET", run.stdout)  # it was told, and has told nobody on
        finally:
            daemon.stop()
        assert manager.recv(200) == b"STOPPING=1"
        assert given.exists()  # it is the service manager's
    print(daemon.log())
    shutil.rmtree(daemon.directory)
