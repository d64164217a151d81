"""Every status code that the Engine API's document knows of an operation and that can be brought about, with docker's words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.index import index
from tests.support.registry import PASSWORD, USER, Registry, registry

from .conftest import Engine
from .raw import ask, head, until, wire

NET = {"HostConfig": {"NetworkMode": "none"}}
SLEEP = {"Image": "busybox", "Cmd": ["sleep", "300"], **NET}
NOBODY = "No such container: nobody"


@pytest.fixture
def populated(engine: Engine) -> Engine:
    """An engine with a container that ``runs``, one that is ``paused``, and one that was only ``made``."""
    for name, host in (("runs", {}), ("paused", {}), ("made", {"ReadonlyRootfs": True})):
        body = {**SLEEP, "HostConfig": {"NetworkMode": "none", **host}}
        assert ask(engine, "POST", f"/containers/create?name={name}", body)[0] == 201
    for name in ("runs", "paused"):
        assert ask(engine, "POST", f"/containers/{name}/start") == (204, b"")
    assert ask(engine, "POST", "/containers/paused/pause") == (204, b"")
    return engine


UNKNOWN = (
    ("GET", "/containers/nobody/json"),
    ("GET", "/containers/nobody/top"),
    ("GET", "/containers/nobody/logs?stdout=1"),
    ("GET", "/containers/nobody/changes"),
    ("GET", "/containers/nobody/export"),
    ("GET", "/containers/nobody/stats"),
    ("POST", "/containers/nobody/resize?h=1&w=1"),
    ("POST", "/containers/nobody/start"),
    ("POST", "/containers/nobody/stop"),
    ("POST", "/containers/nobody/restart"),
    ("POST", "/containers/nobody/kill"),
    ("POST", "/containers/nobody/update"),
    ("POST", "/containers/nobody/rename?name=somebody"),
    ("POST", "/containers/nobody/pause"),
    ("POST", "/containers/nobody/unpause"),
    ("POST", "/containers/nobody/attach"),
    ("POST", "/containers/nobody/wait"),
    ("POST", "/containers/nobody/exec"),
    ("DELETE", "/containers/nobody"),
    ("GET", "/containers/nobody/archive?path=/"),
    ("PUT", "/containers/nobody/archive?path=/"),
    ("POST", "/commit?container=nobody"),
)


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_a_container_that_is_not_there(engine: Engine, method: str, path: str) -> None:
    body = {"Cmd": ["true"]} if path.endswith("exec") else {} if path.endswith("update") else None
    status, text = ask(engine, method, path, body)
    assert (status, json.loads(text)) == (404, {"message": NOBODY})


REFUSED: tuple[tuple[str, str, Any, int, str], ...] = (
    ("GET", '/containers/json?filters={"no":["x"]}', None, 400, "invalid filter 'no'"),
    ("GET", "/containers/json?limit=x", None, 400, "limit"),
    ("POST", "/containers/create", {"Image": "busybox", "Cmd": 1}, 400, "Cmd"),
    ("POST", "/containers/create?name=-", SLEEP, 400, "Invalid container name"),
    ("POST", "/containers/create", {"Image": "no-such-image"}, 404, "No such image: no-such-image:latest"),
    ("POST", "/containers/create?name=runs", SLEEP, 409, 'The container name "/runs" is already in use'),
    ("POST", "/containers/runs/wait?condition=never", None, 400, "invalid condition"),
    ("POST", "/containers/runs/attach?detachKeys=ctrl-nonsense", None, 400, "ctrl-nonsense"),
    ("GET", "/containers/runs/attach/ws", None, 400, "not a WebSocket"),
    ("GET", "/containers/nobody/attach/ws", None, 400, "not a WebSocket"),
    ("POST", "/containers/made/kill", None, 409, "is not running"),
    ("POST", "/containers/made/rename?name=runs", None, 409, 'name "/runs" is already in use'),
    ("POST", "/containers/made/rename?name=", None, 400, "may be empty"),
    ("POST", "/containers/paused/pause", None, 409, "is already paused"),
    ("POST", "/containers/runs/unpause", None, 409, "is not paused"),
    ("POST", "/containers/made/resize?h=1&w=1", None, 409, "is not running"),
    ("POST", "/containers/runs/resize?h=x&w=1", None, 400, "h"),
    ("POST", "/containers/runs/update", {"Memory": 1}, 400, "Minimum memory limit"),
    ("DELETE", "/containers/runs", None, 409, "running"),
    ("GET", "/containers/runs/archive?path=/no/such", None, 404, "Could not find the file /no/such"),
    ("GET", "/containers/runs/archive", None, 400, "path cannot be empty"),
    ("PUT", "/containers/runs/archive", None, 400, "path cannot be empty"),
    ("PUT", "/containers/runs/archive?path=/no/such", b"", 404, "Could not find the file /no/such"),
    ("PUT", "/containers/made/archive?path=/", b"", 403, "marked read-only"),
    ("GET", "/containers/runs/logs", None, 400, "at least one stream"),
    ("POST", "/containers/made/exec", {"Cmd": ["true"]}, 409, "is not running"),
    ("POST", "/containers/paused/exec", {"Cmd": ["true"]}, 409, "is paused"),
    ("POST", "/containers/runs/exec", {"Cmd": []}, 400, "No exec command specified"),
    ("POST", "/exec/nobody/start", {}, 404, "No such exec instance: nobody"),
    ("POST", "/exec/nobody/resize?h=1&w=1", None, 404, "No such exec instance: nobody"),
    ("POST", "/exec/nobody/resize?h=x&w=1", None, 400, "h"),
    ("GET", "/exec/nobody/json", None, 404, "No such exec instance: nobody"),
    ("GET", "/images/no-such-image/json", None, 404, "No such image: no-such-image"),
    ("GET", "/images/no-such-image/history", None, 404, "No such image: no-such-image"),
    ("GET", "/images/no-such-image/get", None, 404, "No such image: no-such-image"),
    ("GET", "/images/get?names=no-such-image", None, 404, "No such image: no-such-image"),
    ("GET", "/images/no-such-image/attestations", None, 404, "No such image: no-such-image"),
    ("GET", "/images/busybox/attestations?platform=x", None, 400, "platform"),
    ("GET", '/images/busybox/attestations?platform={"os":"plan9"}', None, 404, "no manifest for the platform"),
    ("DELETE", "/images/no-such-image", None, 404, "No such image: no-such-image"),
    ("DELETE", "/images/{image}", None, 409, "conflict: unable to delete"),
    ("POST", "/images/busybox/tag", None, 400, "repo"),
    ("POST", "/images/no-such-image/tag?repo=x", None, 404, "No such image: no-such-image"),
    ("POST", "/images/no-such-image/push?tag=1", None, 404, "does not exist locally"),
    ("GET", "/events?since=nonsense&until=0", None, 400, "since"),
    ("GET", '/events?until=1&filters={"no":["x"]}', None, 400, "invalid filter"),
    ("GET", "/images/search", None, 400, "term"),
    ("GET", "/images/search?term=x&limit=101", None, 400, "outside the range of [1, 100]"),
    ("GET", "/no/such/path", None, 404, "page not found"),
)


def test_what_is_refused(populated: Engine) -> None:
    image = json.loads(ask(populated, "GET", "/images/busybox/json")[1])["Id"]
    for method, path, body, code, words in REFUSED:
        status, text = ask(populated, method, path.replace('"', "%22").replace("{image}", image), body)
        assert (status, words in json.loads(text)["message"]) == (code, True), (method, path, status, text)


def test_nothing_to_do_has_no_body(populated: Engine) -> None:
    assert ask(populated, "POST", "/containers/runs/start") == (304, b"")
    assert ask(populated, "POST", "/containers/made/stop") == (304, b"")


def test_a_command_that_is_not_there_is_the_clients_fault(engine: Engine) -> None:
    body = {"Image": "busybox", "Cmd": ["no-such-command"], **NET}
    identity = json.loads(ask(engine, "POST", "/containers/create", body)[1])["Id"]
    status, text = ask(engine, "POST", f"/containers/{identity}/start")
    assert (status, "executable file not found" in json.loads(text)["message"]) == (400, True)


def test_a_prefix_of_several_containers_removes_none(engine: Engine) -> None:
    made = [json.loads(ask(engine, "POST", "/containers/create", SLEEP)[1])["Id"] for _ in range(17)]
    first = next(letter for letter in "0123456789abcdef" if sum(each.startswith(letter) for each in made) > 1)
    status, text = ask(engine, "DELETE", f"/containers/{first}")
    assert (status, "multiple" in json.loads(text)["message"].lower()) == (400, True), text
    assert len(json.loads(ask(engine, "GET", "/containers/json?all=1")[1])) == 17


def test_heads_of_files(populated: Engine) -> None:
    assert ask(populated, "HEAD", "/containers/runs/archive?path=/etc") == (200, b"")
    assert ask(populated, "HEAD", "/containers/runs/archive?path=/no/such") == (404, b"")
    assert ask(populated, "HEAD", "/containers/nobody/archive?path=/etc") == (404, b"")
    assert ask(populated, "HEAD", "/containers/runs/archive") == (400, b"")
    assert ask(populated, "HEAD", "/_ping") == (200, b"")


def test_an_exec_runs_once(populated: Engine) -> None:
    identity = json.loads(ask(populated, "POST", "/containers/runs/exec", {"Cmd": ["true"]})[1])["Id"]
    assert ask(populated, "POST", f"/exec/{identity}/start", {"Detach": True}) == (200, b"")
    status, text = ask(populated, "POST", f"/exec/{identity}/start", {"Detach": True})
    assert (status, "already" in json.loads(text)["message"]) == (409, True)
    sleeping = {"Cmd": ["sleep", "300"], "Tty": True, "AttachStdout": True}
    identity = json.loads(ask(populated, "POST", "/containers/runs/exec", sleeping)[1])["Id"]
    assert ask(populated, "POST", f"/exec/{identity}/start", {"Detach": True, "Tty": True}) == (200, b"")
    assert ask(populated, "POST", f"/exec/{identity}/resize?h=10&w=20") == (200, b"")
    assert json.loads(ask(populated, "GET", f"/exec/{identity}/json")[1])["Running"] is True


def test_attaching_with_and_without_an_upgrade(populated: Engine) -> None:
    for lines, answer in (
        ((), b"HTTP/1.1 200 OK"),
        (("Connection: Upgrade", "Upgrade: tcp"), b"HTTP/1.1 101 UPGRADED"),
    ):
        with wire(populated) as connection:
            connection.sendall(head("POST", "/containers/runs/attach?stdout=1&stream=1", *lines))
            assert until(connection, b"\r\n\r\n").startswith(answer)
    socket_lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}"
    for name, answer in (("runs", b"HTTP/1.1 101"), ("nobody", b"HTTP/1.1 404")):
        with wire(populated) as connection:
            connection.sendall(head("GET", f"/containers/{name}/attach/ws?stdout=1&stream=1", *socket_lines, key))
            assert until(connection, b"\r\n\r\n").startswith(answer)


@pytest.fixture
def locked(tmp_short: Path) -> Iterator[Registry]:
    with registry(tmp_short / "registry", password=True) as made:
        yield made


def test_registries(engine: Engine, locked: Registry) -> None:
    own = {"serveraddress": locked.host, "username": USER}
    assert ask(engine, "POST", "/auth", {**own, "password": PASSWORD})[0] == 200
    assert ask(engine, "POST", "/auth", {**own, "password": "wrong"})[0] == 401
    assert ask(engine, "GET", f"/distribution/{locked.host}/x/json")[0] == 401
    header = base64.urlsafe_b64encode(json.dumps({**own, "password": PASSWORD}).encode()).decode()
    status, text = ask(
        engine, "POST", f"/images/create?fromImage={locked.host}/no-such&tag=1", None, {"X-Registry-Auth": header}
    )
    assert (status, "not found" in json.loads(text)["message"]) == (404, True)


def test_searching(engine: Engine) -> None:
    with index() as host:
        status, text = ask(engine, "GET", f"/images/search?term={host}/busy&limit=1")
        assert (status, [each["name"] for each in json.loads(text)]) == (200, ["busybox"])
        status, text = ask(
            engine, "GET", f'/images/search?term={host}/busy&filters={{"stars":["2"]}}'.replace('"', "%22")
        )
        assert [each["star_count"] for each in json.loads(text)] == [7]
        assert ask(engine, "GET", f"/images/search?term={host}/nothing") == (200, b"[]\n")
    assert ask(engine, "GET", "/images/busybox/attestations") == (200, b"[]\n")
