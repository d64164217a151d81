"""The end of a daemon: what its clients see of it, and that it does not wait for ever."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process.conftest import Starter, ask, open_stream, until
from tests.support.daemon import Daemon, UnixConnection
from tests.support.leftovers import OWNED

PATIENT = {"shutdown-timeout": 30}


@pytest.fixture(scope="module")
def long_lived(start_shared: Starter) -> Daemon:
    """One data root for all of these tests; each of them ends a daemon, and leaves the next one running on it."""
    return start_shared(file=PATIENT)


@pytest.fixture
def daemon(long_lived: Daemon) -> Iterator[Daemon]:
    """A daemon that is to be ended."""
    if long_lived.process is None:
        again(long_lived)
    yield long_lived
    if long_lived.process is None:
        again(long_lived)
    long_lived.remove_containers()


def again(daemon: Daemon) -> None:
    """The next one, where the last one was."""
    daemon.start()
    assert daemon.process is not None
    OWNED.processes.add(daemon.process.pid)


def run(daemon: Daemon, *command: str) -> str:
    """A running container's id."""
    done = daemon.docker("run", "-d", "--network", "none", "host", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_followed_ends_whole_and_at_once(daemon: Daemon) -> None:
    container = run(daemon, "sh", "-c", "echo one; sleep 60")
    until(lambda: daemon.docker("logs", container).stdout == "one\n")
    attached = subprocess.Popen(
        ["docker", "logs", "-f", container],
        env=daemon.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    events, events_answer = open_stream(daemon, "GET", "/events?since=1")
    stats, stats_answer = open_stream(daemon, "GET", f"/containers/{container}/stats")
    waiting, waiting_answer = open_stream(daemon, "POST", f"/containers/{container}/wait")
    try:
        assert json.loads(events_answer.readline())["Type"]
        assert json.loads(stats_answer.readline())["id"] == container
        assert attached.stdout is not None
        assert attached.stdout.readline() == "one\n"
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 10
        # http.client raises IncompleteRead for a chunked answer that was cut off
        assert all(json.loads(line) for line in events_answer.read().splitlines())
        assert all(json.loads(line) for line in stats_answer.read().splitlines())
        assert waiting_answer.read() == b""
        out, err = attached.communicate(timeout=20)
        assert (attached.returncode, out, err) == (0, "", "")
    finally:
        for connection in (events, stats, waiting):
            connection.close()
        attached.kill()
        attached.communicate()
    again(daemon)
    assert daemon.docker("inspect", "-f", "{{.State.Running}}", container).stdout == "true\n"


def test_attached_clients_get_their_end(daemon: Daemon) -> None:
    container = run(daemon, "sleep", "60")
    attached = subprocess.Popen(
        ["docker", "exec", "-i", container, "cat"],
        env=daemon.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert attached.stdin is not None
        assert attached.stdout is not None
        attached.stdin.write("echo\n")
        attached.stdin.flush()
        assert attached.stdout.readline() == "echo\n"
        assert daemon.stop() == 0
        attached.communicate(timeout=20)
    finally:
        attached.kill()
        attached.wait()
    again(daemon)
    assert daemon.docker("inspect", "-f", "{{.State.Running}}", container).stdout == "true\n"


def test_requests_in_progress_are_finished(daemon: Daemon) -> None:
    container = run(daemon, "sh", "-c", "trap '' TERM; sleep 60")
    connection = UnixConnection(str(daemon.socket), timeout=30)
    try:
        connection.request("POST", f"/containers/{container}/stop?t=2")
        time.sleep(0.3)  # it is on its way: the container does not heed the signal
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        answer = connection.getresponse()
        assert answer.status == 204
        assert answer.getheader("Connection", "").lower() == "close"
        assert daemon.process.wait(20) == 0
        daemon.process = None
    finally:
        connection.close()
    again(daemon)
    assert daemon.docker("inspect", "-f", "{{.State.ExitCode}}", container).stdout == "137\n"


@pytest.mark.parametrize("how", ["timeout", "second signal"])
def test_but_not_for_ever(daemon: Daemon, how: str) -> None:
    file = daemon.directory / "daemon.json"
    file.write_text(json.dumps({"shutdown-timeout": 1 if how == "timeout" else -1}))
    before = len(daemon.log())
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: "the configuration is reloaded" in daemon.log()[before:])
    file.write_text(json.dumps(PATIENT))  # for the next one
    container = run(daemon, "sh", "-c", "trap '' TERM; sleep 60")
    connection = UnixConnection(str(daemon.socket), timeout=30)
    try:
        connection.request("POST", f"/containers/{container}/stop?t=60")
        time.sleep(0.3)
        before = len(daemon.log())
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping; the containers go on running" in daemon.log()[before:])
        if how == "second signal":
            with pytest.raises(subprocess.TimeoutExpired):
                daemon.process.wait(1.5)
            daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(15) == 0
        daemon.process = None
        assert "1 requests are not finished" in daemon.log()[before:]
        with pytest.raises(OSError):  # noqa: PT011 - reset or closed without an answer
            connection.getresponse()
    finally:
        connection.close()
    again(daemon)
    assert daemon.docker("inspect", "-f", "{{.State.Running}}", container).stdout == "true\n"
    assert daemon.docker("rm", "-f", container).returncode == 0


def test_nobody_comes_in_any_more(daemon: Daemon) -> None:
    container = run(daemon, "sh", "-c", "trap '' TERM; sleep 60")
    connection = UnixConnection(str(daemon.socket), timeout=30)
    try:
        connection.request("POST", f"/containers/{container}/stop?t=2")
        time.sleep(0.3)
        assert daemon.process is not None
        before = len(daemon.log())
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in daemon.log()[before:])
        late = UnixConnection(str(daemon.socket), timeout=5)
        with pytest.raises(OSError):  # noqa: PT011 - refused, or the socket is gone
            late.request("GET", "/_ping")
        late.close()
        assert connection.getresponse().status == 204
        assert daemon.process.wait(20) == 0
        daemon.process = None
    finally:
        connection.close()
    assert not daemon.socket.exists()
    assert not list(daemon.directory.glob("run/*.pid"))


def test_stacks_on_sigusr1(daemon: Daemon) -> None:
    connection, _ = open_stream(daemon, "GET", "/events")
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGUSR1)
    (path,) = until(lambda: list((daemon.directory / "run").glob("stacks-*.log")))
    until(lambda: f"stacks written to {path}" in daemon.log())
    connection.close()
    text = Path(path).read_text()
    assert "thread MainThread:" in text
    assert "api/system.py" in text  # whoever follows the events
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    assert ask(daemon, "GET", "/_ping").status == 200


def test_sigquit_tells_the_stacks_and_ends_at_once(daemon: Daemon) -> None:
    assert daemon.process is not None
    before = len(daemon.log())
    daemon.process.send_signal(signal.SIGQUIT)
    assert daemon.process.wait(10) == 128 + signal.SIGQUIT
    daemon.process = None
    assert "thread MainThread:" in daemon.log()[before:]
    again(daemon)  # on what is left
    assert ask(daemon, "GET", "/_ping").status == 200
