"""A daemon that remaps users, and docker's CLI in front of it. Files of /etc are its own, in a mount namespace: nothing of the machine is changed."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define

from tests.support.answers import ANSWERS
from tests.support.daemon import Daemon
from tests.support.leftovers import OWNED

FIRST = 300_000


@define
class Remapped(Daemon):
    """``setup`` is what a shell does in the daemon's own mount namespace before; its first argument is this daemon's directory."""

    setup: str = ""

    def command(self) -> list[str]:
        script = f'{self.setup}; shift; exec "$@"'
        return ["unshare", "--mount", "sh", "-ec", script, "sh", str(self.directory), *Daemon.command(self)]


OWN_FILES = 'mount --bind "$1/subuid" /etc/subuid; mount --bind "$1/subgid" /etc/subgid'
OWN_ETC = 'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc'


@pytest.fixture
def started(busybox_tar: Path) -> Iterator[Callable[..., Remapped]]:
    """Starts one, with the image busybox in it."""
    made: list[Remapped] = []

    def start(remap: str, setup: str = OWN_FILES, *, ranges: str = f"daemon:{FIRST}:65536\n") -> Remapped:
        daemon = Remapped(options=("--userns-remap", remap), answers=ANSWERS.new_file(), setup=setup)
        made.append(daemon)
        for name in ("subuid", "subgid"):
            (daemon.directory / name).write_text(ranges)
        for name in ("upper", "work"):
            (daemon.directory / name).mkdir()
        daemon.start()
        assert daemon.process is not None
        OWNED.processes.add(daemon.process.pid)
        ok(daemon, "import", "-c", "CMD sh", str(busybox_tar), "busybox:latest")
        return daemon

    yield start
    for daemon in made:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.end()
        subprocess.run(["rm", "-r", str(daemon.directory)], check=True)


def ok(daemon: Daemon, *args: str) -> str:
    done = daemon.docker(*args)
    assert done.returncode == 0, done.stderr + daemon.log()
    return done.stdout.rstrip("\n")


def test_containers_of_a_user(started: Callable[..., Remapped]) -> None:
    daemon = started("daemon")
    assert "name=userns" in ok(daemon, "info", "-f", "{{.SecurityOptions}}")
    ok(daemon, "run", "-d", "--network", "none", "--name", "one", "busybox", "sleep", "300")
    pid = ok(daemon, "inspect", "-f", "{{.State.Pid}}", "one")
    assert os.stat(f"/proc/{pid}").st_uid == FIRST
    assert ok(daemon, "exec", "one", "cat", "/proc/self/uid_map").split() == ["0", str(FIRST), "65536"]
    assert ok(daemon, "exec", "one", "stat", "-c", "%u", "/", "/etc/hosts").split() == ["0", "0"]
    ok(daemon, "exec", "one", "sh", "-c", "echo x > /f; chown 5:6 /f")
    with tarfile.open(fileobj=io.BytesIO(daemon.docker("cp", "one:/f", "-").stdout.encode())) as archive:
        assert [(member.uid, member.gid) for member in archive] == [(5, 6)]
    ok(daemon, "commit", "one", "made")
    assert ok(daemon, "run", "--rm", "--network", "none", "--userns", "host", "made", "stat", "-c", "%u", "/f") == "5"
    ok(daemon, "rm", "-f", "one")


def test_its_network_is_its_own(started: Callable[..., Remapped]) -> None:
    """On a bridge, in a network namespace that belongs to its user namespace: the daemon connects it from outside, and its root may set it up."""
    daemon = started("daemon")
    run = ("run", "--rm", "--cap-add", "NET_ADMIN", "busybox", "sh", "-c")
    script = "ip -o -4 addr show eth0 | awk '{print $4}'; ip link set eth0 down && echo mine; ls /sys/class/net"
    address, *rest = ok(daemon, *run, script).split()
    assert address.endswith("/16")
    assert rest == ["mine", "eth0", "lo"]


def test_who_opts_out_and_what_is_refused(started: Callable[..., Remapped]) -> None:
    daemon = started("2:daemon", ranges=f"nobody:1:1\nbin:{FIRST}:1000\nbroken\nbin:{FIRST + 5000}:64536\n")
    own = ok(daemon, "run", "--rm", "--network", "none", "busybox", "cat", "/proc/self/uid_map")
    assert [line.split() for line in own.splitlines()] == [
        ["0", str(FIRST), "1000"],
        ["1000", str(FIRST + 5000), "64536"],
    ]
    host = ok(
        daemon,
        "run",
        "--rm",
        "--network",
        "host",
        "--pid",
        "host",
        "--privileged",
        "--userns",
        "host",
        "busybox",
        "id",
        "-u",
    )
    assert host == "0"
    for flag, told in (
        ("--privileged", "privileged mode is incompatible with user namespaces."),
        ("--network=host", "cannot share the host's network namespace when user namespaces are enabled"),
        ("--pid=host", "cannot share the host PID namespace when user namespaces are enabled"),
    ):
        done = daemon.docker("create", flag, "busybox")
        assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    assert ok(daemon, "ps", "-aq") == ""


def test_the_default_user_is_made(started: Callable[..., Remapped]) -> None:
    daemon = started("default", OWN_ETC)
    etc = daemon.directory / "upper"
    (line,) = [line for line in (etc / "subuid").read_text().splitlines() if line.startswith("dockremap:")]
    assert "dockremap:" in (etc / "passwd").read_text()
    assert "dockremap" not in Path("/etc/passwd").read_text(), "the machine's own has nothing of it"
    _, first, count = line.split(":")
    seen = ok(daemon, "run", "--rm", "--network", "none", "busybox", "cat", "/proc/self/uid_map")
    assert seen.split() == ["0", first, count]


@pytest.mark.parametrize(
    ("remap", "told"),
    [
        ("a:b:c", 'Invalid user/group specification in --userns-remap: "a:b:c"'),
        ("nosuch", 'Error during uid lookup for "nosuch"'),
        ("99999", "Uid 99999 has no entry in /etc/passwd"),
        ("daemon:nosuch", 'Error during gid lookup for "nosuch"'),
        ("games", "Can't create ID mappings: no subuid ranges found for user games"),
    ],
)
def test_who_cannot_be_remapped_to(started: Callable[..., Remapped], remap: str, told: str) -> None:
    with pytest.raises(AssertionError, match="pydockerd ended with 1") as failed:
        started(remap)
    assert told in str(failed.value)


def test_root_is_nobody_else(started: Callable[..., Remapped]) -> None:
    daemon = started("root")
    assert "User namespaces: root cannot be remapped with itself; user namespaces are OFF" in daemon.log()
    assert (
        ok(daemon, "run", "--rm", "--network", "none", "busybox", "cat", "/proc/self/uid_map").split()[2]
        == "4294967295"
    )
