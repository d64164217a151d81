"""How a request finds its operation, and how it is told what is wrong."""

from __future__ import annotations

import errno
import io

import pytest

from pydockerd.operations import OPERATIONS
from tests.daemon import contract
from tests.daemon.conftest import Api


async def test_ping_tells_the_versions_in_headers(api: Api) -> None:
    for method, body in (("GET", b"OK"), ("HEAD", b"")):
        reply = await api.ask(method, "/_ping")
        assert (reply.status, reply.content) == (200, body)
        assert reply.headers["Api-Version"] == "1.56"
        assert reply.headers["Ostype"] == "linux"
        assert reply.headers["Docker-Experimental"] == "false"
        assert reply.headers["Server"].startswith("pydockerd/")


@pytest.mark.parametrize("version", ["/v1.24", "/v1.41", "/v1.56", ""])
async def test_versions_in_range_are_served(api: Api, version: str) -> None:
    assert (await api.ask("GET", f"{version}/version")).json["ApiVersion"] == "1.56"


async def test_versions_out_of_range_are_refused_with_dockers_words(api: Api) -> None:
    newer = await api.ask("GET", "/v1.57/info")
    assert newer.status == 400
    assert newer.message == "client version 1.57 is too new. Maximum supported API version is 1.56"
    older = await api.ask("GET", "/v1.23/info")
    assert older.status == 400
    assert older.message.startswith(
        "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade"
    )


@pytest.mark.parametrize(
    "path", ["/nope", "/v1.41/nope", "/", "/v1.41", "/containers", "/containers/a/b/c", "//", "/images//json/x"]
)
async def test_unknown_paths(api: Api, path: str) -> None:
    reply = await api.ask("GET", path)
    assert (reply.status, reply.message) == (404, "page not found")


async def test_operations_not_served_say_so_in_the_error_body(api: Api) -> None:
    reply = await api.ask("POST", "/v1.41/session")
    assert reply.status == 501
    assert "Session" in reply.message
    swarm = await api.ask("GET", "/services")
    assert swarm.status == 503
    assert swarm.message.startswith("This node is not a swarm manager.")


async def test_no_operation_of_the_document_is_a_bare_404(api: Api) -> None:
    for operation in OPERATIONS:
        if operation.name in {"SystemEvents", "ContainerStats"}:
            continue
        path = operation.path.replace("{id}", "absent").replace("{name}", "absent")
        reply = await api.ask(operation.method, path)
        assert operation.method == "HEAD" or reply.content != b'{"message":"page not found"}\n', operation


def test_the_table_of_operations_is_the_documents() -> None:
    document = contract.load()
    assert {(o.method, o.path): (o.name, o.tag) for o in OPERATIONS} == {
        key: (operation["operationId"], operation["tags"][0]) for key, operation in document.operations.items()
    }


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        (b"", "application/json", "invalid JSON: got EOF while reading request body"),
        (b"{", "application/json", "invalid JSON: Expecting property name"),
        (b"[]", "application/json", "invalid JSON: body: expected an object, got []"),
        (b'{"Image": 5}', "application/json", "invalid JSON: Image: expected a string, got 5"),
        (
            b'{"HostConfig": {"Memory": "1g"}}',
            "application/json",
            'invalid JSON: HostConfig.Memory: expected an integer, got "1g"',
        ),
        (
            b'{"HostConfig": {"Binds": ["/a:/b", 7]}}',
            "application/json",
            "invalid JSON: HostConfig.Binds[1]: expected a string, got 7",
        ),
        (
            b'{"Image": "busybox"}',
            "text/plain",
            "unsupported Content-Type header (text/plain): must be 'application/json'",
        ),
        (b"\xff\xfe{}", "application/json", "invalid JSON: "),
        (
            b'{"Cmd": ["a\\u0000b"]}',
            "application/json",
            "invalid JSON: Cmd[0]: expected a string without NUL and half characters",
        ),
        (b'{"Hostname": "\\ud800"}', "application/json", "invalid JSON: Hostname: expected a string without NUL"),
        (b'{"Labels": {"\\udc00": "x"}}', "application/json", "invalid JSON: Labels, a name: expected a string"),
        (b"[" * 100_000, "application/json", "invalid JSON: "),
    ],
)
async def test_bad_bodies_are_400_and_name_the_field(api: Api, body: bytes, content_type: str, told: str) -> None:
    async with api.client.post("/containers/create", data=body, headers={"Content-Type": content_type}) as response:
        assert response.status == 400
        assert (await response.json())["message"].startswith(told)
    assert api.supervisor.containers.list() == []


async def test_a_body_beyond_the_limit_is_refused(api: Api) -> None:
    async with api.client.post(
        "/containers/create", data=io.BytesIO(b" " * (17 << 20)), headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status == 400
        assert "too large" in (await response.json())["message"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=x", 'invalid value for limit: expected an integer, got "x"'),
        ("filters=zz", "invalid filters: not JSON"),
        ("filters=" + "[" * 2500, "invalid filters: not JSON"),
        ('filters={"foo":["x"]}', "invalid filter 'foo'"),
        ('filters={"status":["nope"]}', "invalid filter 'status=nope'"),
        ('filters={"name":["["]}', "invalid filter 'name'"),
        ('filters={"before":["nobody"]}', "No such container: nobody"),
        ('filters={"label":5}', "invalid filters: label: expected an array of strings"),
    ],
)
async def test_bad_parameters_are_400_and_name_the_parameter(api: Api, query: str, told: str) -> None:
    await api.create()
    reply = await api.ask("GET", f"/containers/json?all=1&{query}")
    assert reply.status == 400
    assert reply.message.startswith(told)


async def test_an_unplanned_failure_is_500_with_a_body(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(api.supervisor.containers, "list", fail)
    reply = await api.ask("GET", "/containers/json")
    assert (reply.status, reply.message) == (500, "ZeroDivisionError: surprise")


async def test_a_full_disk_is_500_in_words_and_no_surprise(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/file")

    monkeypatch.setattr(api.supervisor.containers, "list", fail)
    reply = await api.ask("GET", "/containers/json")
    assert (reply.status, reply.message) == (500, "No space left on device: /data/file")
    assert "Traceback" not in caplog.text
