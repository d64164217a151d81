"""resolv.conf: what is read, what a sandbox gets, and that an edited one is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydockerd.network.dns import resolvconf
from pydockerd.network.dns.resolvconf import ResolvConf, embedded, parse, plain, render, wanted, write

MACHINE = ResolvConf(servers=("127.0.0.53", "10.0.0.1", "fe80::1%eth0"), search=("example.org",), options=("edns0",))


def test_parse() -> None:
    text = """\
# a comment
nameserver 10.0.0.1 # and another
nameserver  fe80::1%eth0
nameserver nonsense
nameserver
domain old.example
search example.org example.net ; third
options ndots:2 edns0
options rotate
sortlist 10.0.0.0
"""
    assert parse(text) == ResolvConf(
        servers=("10.0.0.1", "fe80::1%eth0"),
        search=("example.org", "example.net"),
        options=("ndots:2", "edns0", "rotate"),
    )


def test_what_was_said_takes_the_place_of_the_machine_s() -> None:
    assert wanted(MACHINE) == MACHINE
    said = wanted(MACHINE, ["1.2.3.4"], ["."], ["ndots:9"])
    assert said == ResolvConf(servers=("1.2.3.4",), search=(), options=("ndots:9",))
    assert wanted(MACHINE, search=["a.b"]).servers == MACHINE.servers


def test_embedded() -> None:
    assert embedded(MACHINE) == ResolvConf(
        servers=("127.0.0.11",), search=("example.org",), options=("edns0", "ndots:0")
    )
    assert embedded(ResolvConf(options=("ndots:3",))).options == ("ndots:3",)


@pytest.mark.parametrize(
    ("servers", "asked", "ipv6", "expected"),
    [
        (("127.0.0.53", "10.0.0.1"), False, False, ("10.0.0.1",)),
        (("10.0.0.1", "fd00::1"), False, False, ("10.0.0.1",)),
        (("10.0.0.1", "fd00::1"), False, True, ("10.0.0.1", "fd00::1")),
        (("127.0.0.1", "::1"), False, False, ("8.8.8.8", "8.8.4.4")),
        ((), False, True, ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844")),
        (("127.0.0.1",), True, False, ("127.0.0.1",)),
    ],
)
def test_without_a_server_of_its_own(
    servers: tuple[str, ...], asked: bool, ipv6: bool, expected: tuple[str, ...]
) -> None:
    assert plain(ResolvConf(servers=servers), asked=asked, ipv6=ipv6).servers == expected


def test_what_is_rendered_is_what_is_parsed() -> None:
    assert parse(render(MACHINE)) == MACHINE


def test_an_edited_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 9.9.9.9\n")
    inode = file.stat().st_ino
    write(file, "one\n")
    write(file, "two\n")
    assert file.read_text() == "two\n"
    assert file.stat().st_ino == inode
    file.write_text("mine\n")
    write(file, "three\n")
    assert file.read_text() == "mine\n"


def test_the_servers_behind_systemd_s_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stub").write_text("nameserver 127.0.0.53\nsearch a.b\n")
    (tmp_path / "real").write_text("nameserver 10.0.0.9\n")
    monkeypatch.setattr(resolvconf, "_SYSTEMD", tmp_path / "real")
    assert resolvconf.read_machine(tmp_path / "stub").servers == ("10.0.0.9",)
    (tmp_path / "real").unlink()
    assert resolvconf.read_machine(tmp_path / "stub").servers == ("127.0.0.53",)
    assert resolvconf.read_machine(tmp_path / "none") == ResolvConf()
