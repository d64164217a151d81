"""Containers as a test wants them: ready when they are handed over, reachable, gone afterwards."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pycontainerd import ContainerConfig, HealthCheck
from pycontainerd.blocking import Supervisor
from pycontainerd.errors import CommandNotFound, ContainerNotFound, ManifestNotFound, NotReady, NotRunning
from pycontainerd.testing import Command, Guests, Healthy, Http, LogLine, Port
from tests.supervisor.archives import docker_archive, oci_layout
from tests.supervisor.embedding.program import parent
from tests.support.registry import registry

SERVER = ("busybox", "nc", "-ll", "-p", "7000", "-e", "cat")


@pytest.fixture
def guests(tmp_short: Path) -> Iterator[Guests]:
    with (
        Supervisor(tmp_short / "r", tmp_short / "s", cgroup_parent=parent(tmp_short), ephemeral=True) as supervisor,
        Guests(supervisor) as made,
    ):
        yield made


def late(seconds: float, *command: str) -> tuple[str, ...]:
    return ("sh", "-c", f"sleep {seconds}; exec {' '.join(command)}")


def test_a_port(guests: Guests) -> None:
    began = time.monotonic()
    echo = guests("host", *late(0.3, *SERVER), ready=Port(7000))
    assert time.monotonic() - began >= 0.3
    with echo.connect(7000) as connection:
        connection.sendall(b"there and back")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"there and back"


def test_nothing_is_published(guests: Guests) -> None:
    """Two with the same port do not meet, and this machine has no such port."""
    one, other = (guests("host", *SERVER, ready=Port(7000)) for _ in range(2))
    assert one.id != other.id
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 7000), 1)


def test_a_port_of_this_machine_that_leads_there(guests: Guests) -> None:
    echo = guests("host", *SERVER, ready=Port(7000))
    assert echo.port(7000) == echo.port(7000)
    for number in range(3):
        with socket.create_connection(("127.0.0.1", echo.port(7000)), 5) as connection:
            connection.sendall(b"%d" % number * 100_000)
            connection.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda c=connection: c.recv(65536), b"")) == b"%d" % number * 100_000  # type: ignore[misc]
    with socket.create_connection(("127.0.0.1", echo.port(7001)), 5) as refused:
        assert refused.recv(1) == b""


def test_a_line_of_the_log(guests: Guests) -> None:
    began = time.monotonic()
    made = guests("host", "sh", "-c", "echo one; sleep 0.2; echo one; sleep 100", ready=LogLine("^on[e]$", times=2))
    assert time.monotonic() - began >= 0.2
    assert made.output() == "one\none\n"


def test_http(guests: Guests) -> None:
    script = "mkdir -p /srv/w && cd /srv/w && sleep 0.3 && echo fine > health && exec busybox httpd -f -p 8080"
    web = guests(
        "host",
        "sh",
        "-c",
        f"(sleep 0.1; busybox httpd -f -p 8081) & {script}",
        ready=[Http(8080, "/health", text="fine"), Port(8081)],
    )
    client = HTTPConnection("127.0.0.1", web.port(8080), timeout=5)
    client.request("GET", "/health")
    assert client.getresponse().read() == b"fine\n"
    client.close()
    with pytest.raises(NotReady, match=r"http://:8080/no: status 404 instead of 200"):
        web.until_ready(Http(8080, "/no"), timeout=0.3)
    web.until_ready(Http(8080, "/no", status=404))


def test_a_command(guests: Guests) -> None:
    made = guests(
        "host", "sh", "-c", "sleep 0.2; touch /tmp/ready; sleep 100", ready=Command("test", "-e", "/tmp/ready")
    )
    assert made.run("test", "-e", "/tmp/ready").code == 0
    with pytest.raises(CommandNotFound):
        made.until_ready(Command("no-such-program"))


def test_health(guests: Guests) -> None:
    check = HealthCheck(test=("CMD-SHELL", "echo looking; test -e /tmp/well"), interval=0.1)
    made = guests("host", "sh", "-c", "sleep 0.3; touch /tmp/well; sleep 100", ready=Healthy(), health=check)
    assert made.run("test", "-e", "/tmp/well").code == 0
    with pytest.raises(NotReady, match="health: unhealthy: looking"):
        guests("host", "sleep", "100", ready=Healthy(), health=check, timeout=2)
    with pytest.raises(NotReady, match="health: it has no health check"):
        guests("host", "sleep", "100", ready=Healthy(), timeout=0.2)


def test_all_conditions_and_the_reason_of_each_that_fails(guests: Guests) -> None:
    with pytest.raises(NotReady) as caught:
        guests(
            "host", "sh", "-c", "echo hello; sleep 100", ready=[LogLine("hello"), Port(7000)], name="never", timeout=0.3
        )
    assert "container never: not ready within 0.3 seconds" in str(caught.value)
    assert "port 7000: " in str(caught.value)
    assert "refused" in str(caught.value)
    assert "hello" in str(caught.value).partition("its last words")[2]


def test_one_that_ends_is_not_waited_for(guests: Guests) -> None:
    began = time.monotonic()
    with pytest.raises(NotReady, match="ended with 3"):
        guests("host", "sh", "-c", "echo no such database >&2; exit 3", ready=[LogLine("never"), Port(1)])
    assert time.monotonic() - began < 5
    with pytest.raises(NotReady, match="no such database"):
        guests("host", "sh", "-c", "echo no such database >&2; exit 3", ready=LogLine("never"))


def test_running_commands(guests: Guests) -> None:
    made = guests("host", "sleep", "100")
    done = made.run("sh", "-c", "cat; echo bad >&2; exit 4", input="good\n", cwd="/")
    assert (done.code, done.stdout, done.stderr) == (4, "good\n", "bad\n")
    with pytest.raises(AssertionError, match=r"(?s)ended with 4.*good.*bad"):
        done.check()
    assert made.run("id", "-un", user="daemon").check().stdout == "daemon\n"
    made.stop(timeout=0)
    with pytest.raises(NotRunning):
        made.connect(1)


def test_images_from_files(guests: Guests, busybox_tar: Path, tmp_path: Path) -> None:
    assert guests(busybox_tar, "ls", "/bin/busybox", start=True).wait().code == 0
    again = guests(str(busybox_tar), "true")
    assert again.wait().code == 0
    archive = docker_archive(tmp_path / "saved.tar", [busybox_tar.read_bytes()])
    assert guests(archive, "true").wait().code == 0
    assert guests(oci_layout(tmp_path / "layout", [busybox_tar.read_bytes()]), "true").wait().code == 0
    whole = guests(ContainerConfig(image=again.image_id, args=("sh", "-c", "echo $A"), env=("A=b",)))
    whole.wait()
    assert whole.output() == "b\n"


def test_an_image_that_is_not_there_is_pulled(guests: Guests, busybox_tar: Path, tmp_short: Path) -> None:
    with registry(tmp_short / "registry") as server:
        name = f"{server.host}/tools/busybox:1"
        supervisor = guests._supervisor
        supervisor.images.import_rootfs(busybox_tar, name)
        supervisor.images.push(name)
        supervisor.images.remove(name)
        for _ in range(2):
            assert guests(name, "true").wait().code == 0
        with pytest.raises(ManifestNotFound):
            guests(f"{server.host}/tools/nothing:1", "true")


def test_gone_afterwards(tmp_short: Path) -> None:
    with Supervisor(tmp_short / "r", tmp_short / "s", cgroup_parent=parent(tmp_short), ephemeral=True) as supervisor:
        with Guests(supervisor) as guests:
            made = [
                guests("host", "sleep", "100"),
                guests("host", "true", remove_on_exit=True),
                guests("host", "true", start=False),
            ]
            assert len([*guests]) == 3
            forwarded = made[0].port(7000)
        for each in made:
            with pytest.raises(ContainerNotFound):
                supervisor.containers.get(each.id)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", forwarded), 1)
