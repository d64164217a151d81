"""SIGHUP: what a running daemon takes over of its file."""

from __future__ import annotations

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.daemon.process.conftest import Starter, ask, open_stream, until
from tests.support.daemon import Daemon


def write(daemon: Daemon, content: Any) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (daemon.directory / "daemon.json").write_text(text)


def reload(daemon: Daemon) -> str:
    """Send the signal, and give what the daemon has logged of it."""
    assert daemon.process is not None
    before = len(daemon.log())
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: "the configuration is" in daemon.log()[before:])
    return daemon.log()[before:]


def info(daemon: Daemon) -> dict[str, Any]:
    found: dict[str, Any] = ask(daemon, "GET", "/info").json
    return found


@pytest.fixture(scope="module")
def daemon(start_shared: Starter) -> Daemon:
    """One for the tests that put back what they change."""
    return start_shared("--label", "by=flag", file={})


def test_what_dockerd_reloads(start: Starter) -> None:
    daemon = start(file={"labels": ["a=1"], "debug": False})
    connection, events = open_stream(daemon, "GET", '/events?filters={"type":["daemon"]}')
    try:
        assert info(daemon)["Labels"] == ["a=1"]
        write(
            daemon,
            {
                "labels": ["a=2", "b=3"],
                "debug": True,
                "registry-mirrors": ["http://127.0.0.1:1"],
                "insecure-registries": ["reg.example:5000"],
                "max-concurrent-downloads": 2,
                "default-runtime": "runc",
                "shutdown-timeout": 3,
                "features": {"cdi": False},
                "default-shm-size": "1m",
            },
        )
        said = reload(daemon)
        assert "the configuration is reloaded" in said
        found = info(daemon)
        assert found["Labels"] == ["a=2", "b=3"]
        assert found["Debug"] is True
        assert found["DefaultRuntime"] == "runc"
        assert found["CDISpecDirs"] == []
        assert found["RegistryConfig"]["Mirrors"] == ["http://127.0.0.1:1"]
        assert found["RegistryConfig"]["IndexConfigs"]["reg.example:5000"]["Secure"] is False
        event = json.loads(events.readline())
        assert (event["Type"], event["Action"], event["Actor"]["ID"]) == ("daemon", "reload", found["ID"])
        told = event["Actor"]["Attributes"]
        assert told["name"] == found["Name"]
        assert told["labels"] == '["a=2","b=3"]'
        assert told["max-concurrent-downloads"] == "2"
        assert told["debug"] == "true"
        assert told["insecure-registries"] == '["reg.example:5000"]'
    finally:
        connection.close()
    until(lambda: "changed, but not before the next start of the daemon: default-shm-size" in daemon.log())
    assert "level=debug" in said + daemon.log()


def test_mirrors_are_asked_from_then_on(daemon: Daemon) -> None:
    asked: list[str] = []

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404 if "manifests" in self.path else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        mirror = f"http://127.0.0.1:{server.server_port}"
        write(daemon, {"registry-mirrors": [mirror], "max-download-attempts": 1})
        reload(daemon)
        assert ask(daemon, "GET", "/distribution/no-such:1/json").status != 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert "/v2/library/no-such/manifests/1" in asked
    write(daemon, {})
    reload(daemon)


def test_a_wrong_file_changes_nothing(daemon: Daemon) -> None:
    write(daemon, {"debug": True})
    reload(daemon)
    for content, told in (
        ("{", "invalid JSON"),
        ({"debug": False, "nonsense": 1}, "don't match any configuration option: nonsense"),
        ({"debug": False, "labels": ["x=y"]}, "specified both as a flag and in the configuration file: labels"),
        ({"debug": False, "authorization-plugins": ["no-such-plugin"]}, "no-such-plugin"),
    ):
        write(daemon, content)
        said = reload(daemon)
        assert "the configuration is not reloaded: " in said
        assert told in said
        assert info(daemon)["Debug"] is True
        assert info(daemon)["Labels"] == ["by=flag"]
    (daemon.directory / "daemon.json").unlink()
    assert "no such file or directory" in reload(daemon)
    write(daemon, {})
    reload(daemon)


def test_authorizers_come_and_go(daemon: Daemon) -> None:
    write(daemon, {"authorization-plugins": ["python://tests.daemon.process.hooks:Nobody"]})
    reload(daemon)
    reply = ask(daemon, "GET", "/info")
    assert (reply.status, reply.json["message"]) == (403, "authorization denied by plugin nobody: it is closed")
    write(daemon, {})
    reload(daemon)
    assert ask(daemon, "GET", "/info").status == 200
