"""What a daemon does not start with: no door is opened, and what is wrong is named."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from pydockerd.errors import ConfigError, StartupError
from pydockerd.host.seccomp import seccomp_profile
from pydockerd.process.doors import doors
from pydockerd.process.sockets import listen_tcp
from pydockerd.services.logs import check_log_options
from pydockerd.settings import ContainerDefaults, Settings, TlsSettings
from tests.support.certificates import CertificateAuthority
from tests.support.daemon import Daemon
from tests.support.run import RUN

ADDRESS = "tcp://127.0.0.1:0"


@pytest.fixture(scope="module")
def good() -> Iterator[TlsSettings]:
    """Files that can be used."""
    directory = RUN.short_directory()
    authority = CertificateAuthority.made(directory / "ca")
    pair = authority.issue("server", server=True)
    yield TlsSettings(verify=True, authority=authority.certificate, certificate=pair.certificate, key=pair.key)
    shutil.rmtree(directory)


def refusal(**settings: object) -> str:
    """Why these doors are not opened."""
    with pytest.raises(StartupError) as caught, doors(Settings(**settings)):  # type: ignore[arg-type]
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("enabled", "verify", "told"),
    [
        (None, None, "whoever reaches it would be root on this machine: use --tlsverify"),
        (True, None, "use --tlsverify"),
        (False, True, "--tls=false and --tlsverify contradict each other"),
    ],
)
def test_tcp_has_to_be_decided(good: TlsSettings, enabled: bool | None, verify: bool | None, told: str) -> None:
    assert told in refusal(hosts=(ADDRESS,), tls=attrs.evolve(good, enabled=enabled, verify=verify))


@pytest.mark.parametrize(("name", "field"), [("tlscacert", "authority"), ("tlscert", "certificate"), ("tlskey", "key")])
def test_files_of_tls_are_named(good: TlsSettings, tmp_path: Path, name: str, field: str) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("not a certificate")
    for path, told in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), (garbage, "")):
        tls = attrs.evolve(good, **{field: path})  # type: ignore[arg-type]
        said = refusal(hosts=(ADDRESS,), tls=tls)
        assert f"--{name} {path}" in said
        assert told in said


def test_a_key_of_another_certificate_is_refused(good: TlsSettings, tmp_path: Path) -> None:
    other = CertificateAuthority.made(tmp_path / "other").issue("other", server=True)
    said = refusal(hosts=(ADDRESS,), tls=attrs.evolve(good, key=other.key))
    assert f"--tlscert {good.certificate}, --tlskey {other.key}: " in said


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        said = refusal(hosts=(address,), tls=TlsSettings(enabled=False))
    assert said == f"-H {address}: cannot listen: Address already in use"
    with pytest.raises(StartupError, match="--metrics-addr x: cannot listen: Cannot assign requested address"):
        listen_tcp("--metrics-addr x", "192.0.2.1", 1)
    with pytest.raises(StartupError, match=r"cannot listen: (Name or service not known|Temporary failure)"):
        listen_tcp("-H x", "no.such.host.invalid", 1)


def test_what_was_opened_before_is_closed_again(tmp_short: Path) -> None:
    path = tmp_short / "first.sock"
    assert "no sockets were handed over by the service manager" in refusal(hosts=(f"unix://{path}", "fd://"))
    assert not path.exists()


def test_paths_that_are_taken_are_left_alone(tmp_short: Path) -> None:
    file, live = tmp_short / "file", tmp_short / "live.sock"
    file.write_text("somebody's")
    assert "it exists and is not a socket" in refusal(hosts=(f"unix://{file}",))
    assert file.read_text() == "somebody's"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(live))
        other.listen()
        assert "another process answers there" in refusal(hosts=(f"unix://{live}",))
    with doors(Settings(hosts=(f"unix://{live}",))) as opened:  # what is left of a dead one is replaced
        assert str(opened[0]) == f"unix://{live}"


def test_there_is_no_such_group(tmp_short: Path) -> None:
    said = refusal(hosts=(f"unix://{tmp_short}/d.sock",), group="no-such-group-here")
    assert said == "--group no-such-group-here: there is no such group"


def test_every_address_of_a_host_is_listened_on() -> None:
    with doors(Settings(hosts=("tcp://:0",), tls=TlsSettings(enabled=False))) as opened:
        ports = {door.listener.getsockname()[1] for door in opened}
        for port in ports:
            socket.create_connection(("127.0.0.1", port), 5).close()
        accepted, _ = opened[0].listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15


def test_profiles_and_options_are_tried_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"opening seccomp profile \(/none.json\) failed: No such file or directory"):
        seccomp_profile("/none.json")
    wrong = tmp_path / "wrong.json"
    for content in (b"{", b"[]", b"\xff", b'{"defaultAction": "NOTHING"}'):
        wrong.write_bytes(content)
        with pytest.raises(ConfigError, match=f"seccomp-profile: {wrong}: "):
            seccomp_profile(str(wrong))
    assert [seccomp_profile(said) for said in ("", "builtin", "unconfined")] == ["default", "default", "unconfined"]
    with pytest.raises(ConfigError, match="failed to set log opts: unknown log opt 'x' for json-file log driver"):
        check_log_options(ContainerDefaults(log_opts={"x": "1"}))


def test_a_daemon_says_so_and_ends_with_1() -> None:
    daemon = Daemon(options=("--authorization-plugin", "no-such"))
    try:
        done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith('pydockerd: authorization-plugins: plugin "no-such" not found')
        assert len(done.stderr.splitlines()) == 1
        assert not daemon.socket.exists()
        assert not (daemon.directory / "run" / "pydockerd.pid").exists()
    finally:
        shutil.rmtree(daemon.directory)
