"""The log: one id through all layers, two forms, and nobody's secrets."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.daemon.process.conftest import Starter, ask
from tests.support.daemon import Daemon

REQUEST = "tests-7f3a.1"


@pytest.fixture(scope="module")
def plain(start_shared: Starter) -> Daemon:
    """A daemon as it is without flags."""
    return start_shared()


@pytest.fixture(scope="module")
def debugging(start_shared: Starter) -> Daemon:
    """A daemon that logs everything."""
    return start_shared("--debug", "--max-download-attempts", "1")


def lines(daemon: Daemon) -> list[dict[str, Any]]:
    """Of a log in JSON."""
    return [json.loads(line) for line in daemon.log().splitlines()]


def test_one_id_from_the_client_down_to_the_runtime(start: Starter) -> None:
    daemon = start("--log-level", "debug", "--log-format", "json")
    created = ask(
        daemon,
        "POST",
        "/containers/create?name=traced",
        {"Image": "host", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}},
    )
    assert created.status == 201
    started = ask(daemon, "POST", "/containers/traced/start", headers={"X-Request-ID": REQUEST})
    assert (started.status, started.headers["x-request-id"]) == (204, REQUEST)
    mine = [line for line in lines(daemon) if line.get("request") == REQUEST]
    layers = [line["logger"] for line in mine]
    assert {"pydockerd.api", "pycontainerd", "pyrunc"} <= set(layers)
    steps = {line["msg"] for line in mine}
    assert {"start", "runtime create", "launch"} <= steps  # the supervisor's, and the runtime's within it
    (request,) = [line for line in mine if line["logger"] == "pydockerd.api"]
    assert (request["msg"], request["status"]) == ("POST /containers/traced/start", 204)
    assert all(float(line["ms"]) >= 0 for line in mine)
    other = created.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{12}", other)
    assert {"create container"} <= {line["msg"] for line in lines(daemon) if line.get("request") == other}


def test_an_id_that_could_not_stand_in_a_line_is_replaced(plain: Daemon) -> None:
    for said in ("", "a b", 'x"y', "x" * 200, "-x"):
        found = ask(plain, "GET", "/_ping", headers={"X-Request-ID": said}).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{12}", found)
    kept = ask(plain, "GET", "/_ping", headers={"X-Request-ID": "a/b:c=1+2"}).headers["x-request-id"]
    assert kept == "a/b:c=1+2"


def test_the_text_form_is_dockerds(debugging: Daemon) -> None:
    ask(debugging, "GET", "/containers/nobody%0Aelse/json", headers={"X-Request-ID": REQUEST})
    (line,) = [line for line in debugging.log().splitlines() if f"request={REQUEST}" in line]
    assert re.fullmatch(
        r'time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z" level=debug msg="GET /containers/nobody%0Aelse/json" '
        rf"logger=pydockerd\.api request={REQUEST} status=404 ms=[0-9.]+",
        line,
    )


def test_at_info_requests_are_not_told(plain: Daemon) -> None:
    ask(plain, "GET", "/containers/nobody/json")
    assert "level=debug" not in plain.log()
    assert "nobody" not in plain.log()


def test_no_secret_is_logged(debugging: Daemon) -> None:
    daemon = debugging
    secret = "s3cr3t-of-somebody"
    config = {"username": "me", "password": secret, "serveraddress": "127.0.0.1:1"}
    header = base64.urlsafe_b64encode(json.dumps(config).encode()).decode()
    auth = {"X-Registry-Auth": header, "X-Registry-Config": header, "Authorization": f"Basic {header}"}
    ask(daemon, "POST", "/auth", config)
    ask(daemon, "POST", "/images/create?fromImage=127.0.0.1:1/a&tag=1", headers=auth)
    ask(daemon, "POST", "/images/127.0.0.1:1/a/push?tag=1", headers=auth)
    ask(daemon, "POST", f"/images/create?fromSrc=http://me:{secret}@127.0.0.1:1/x", headers=auth)
    ask(daemon, "POST", f"/commit?container=none&changes=ENV+TOKEN={secret}")
    ask(daemon, "POST", f'/build?buildargs={{"TOKEN":"{secret}"}}')
    body = {
        "Image": "host",
        "Cmd": ["sh", "-c", "exit $((${#TOKEN} - 18))"],
        "Env": [f"TOKEN={secret}"],
        "HostConfig": {"NetworkMode": "none"},
    }
    created = ask(daemon, "POST", "/containers/create", body).json["Id"]
    assert ask(daemon, "POST", f"/containers/{created}/start").status == 204
    assert ask(daemon, "POST", f"/containers/{created}/wait").json["StatusCode"] == 0
    ask(daemon, "POST", "/containers/create", {**body, "Env": [f"={secret}"]})
    ask(daemon, "POST", "/containers/create", {**body, "Env": secret})
    exec_body = {"Cmd": ["true"], "Env": [f"TOKEN={secret}"]}
    ask(daemon, "POST", f"/containers/{created}/exec", exec_body)
    log = daemon.log()
    assert "POST /containers/create" in log
    for hidden in (secret, header, base64.b64encode(secret.encode()).decode()[:16]):
        assert hidden not in log
