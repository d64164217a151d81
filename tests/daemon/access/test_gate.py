"""What authorizers are asked, and what comes of what they say."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import os
import textwrap
from typing import Any

import pytest

from pydockerd.access import authorizer
from pydockerd.access.gate import LIMIT, Gate
from pydockerd.access.load import gate
from pydockerd.errors import ConfigError
from tests.daemon.access.hooks import Watching
from tests.daemon.conftest import Api

BODY = {"Image": "busybox", "Cmd": ["true"]}


async def raw(api: Api, request: bytes, *, ends: bool = True) -> bytes:
    """All that the daemon answers to these bytes, after which the client sends no more (``ends``), or asks for the end itself."""
    reader, writer = await asyncio.open_unix_connection(api.socket)
    try:
        writer.write(request)
        if ends:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_who_allows_is_asked_before_and_after(api: Api) -> None:
    first, second = Watching("first"), Watching("second")
    api.engine.gate = Gate([first, second])
    reply = await api.ask("POST", "/v1.44/containers/create?name=web", BODY, headers={"X-Mine": "yes"})
    assert reply.status == 201
    for hook in (first, second):
        (question,) = hook.questions
        assert (question.method, question.path) == ("POST", "/v1.44/containers/create?name=web")
        assert (question.user, question.uid) == ("", os.getuid())
        assert json.loads(question.body or b"") == BODY
        assert question.headers["X-Mine"] == "yes"
        ((again, answer),) = hook.replies
        assert again == question
        assert (answer.status, answer.body) == (201, reply.content)


async def test_the_first_who_denies_ends_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Watching("first", denied=("POST",)), Watching("second")
    api.engine.gate = Gate([first, second])
    reply = await api.ask("POST", "/containers/create?name=web&secret=yes", BODY)
    assert (reply.status, reply.message) == (403, "authorization denied by plugin first: POST is not for you")
    assert second.questions == []
    assert api.supervisor.containers.list() == []
    assert (await api.ask("GET", "/containers/json")).status == 200
    (record,) = [record for record in caplog.records if record.name == "pydockerd.access"]
    assert record.levelno == logging.WARNING
    assert vars(record)["fields"] == {"uid": os.getuid(), "method": "POST", "path": "/containers/create", "by": "first"}


async def test_an_answer_can_be_hidden_whatever_it_was(api: Api) -> None:
    api.engine.gate = Gate([Watching("shy", hidden=("GET",))])
    for path in ("/containers/json", "/containers/nobody/json"):
        reply = await api.ask("GET", path)
        assert (reply.status, reply.message) == (403, "authorization denied by plugin shy: the answer is not for you")


async def test_errors_are_answers_too(api: Api) -> None:
    hook = Watching()
    api.engine.gate = Gate([hook])
    reply = await api.ask("GET", "/containers/nobody/json")
    assert reply.status == 404
    assert [(told.status, told.body) for _, told in hook.replies] == [(404, reply.content)]


async def test_who_fails_has_not_allowed(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.engine.gate = Gate([Watching("sick", failing=True)])
    reply = await api.ask("POST", "/containers/create", BODY)
    assert (reply.status, reply.message) == (500, "plugin sick failed with error: it broke")
    assert api.supervisor.containers.list() == []
    assert "refused: plugin sick failed" in caplog.text


async def test_secrets_are_not_shown(api: Api) -> None:
    hook = Watching(denied=("POST",))
    api.engine.gate = Gate([hook])
    secret = base64.b64encode(b'{"password": "hidden"}').decode()
    await api.ask("POST", "/images/a/push", headers={"X-Registry-Auth": secret, "X-Registry-Config": secret})
    await api.ask("POST", "/v1.44/auth", {"username": "me", "password": "hidden"})
    for question in hook.questions:
        assert question.body is None
        assert secret not in question.headers.values()
        assert "hidden" not in repr(question)


async def test_names_hide_no_body(api: Api) -> None:
    """dockerd's plugins see no body of a path that ends with /auth, whatever is called so."""
    hook = Watching(denied=("PUT",))
    api.engine.gate = Gate([hook])
    assert (await api.ask("PUT", "/volumes/auth", {"Spec": {}})).status == 403
    assert json.loads(hook.questions[0].body or b"") == {"Spec": {}}


async def test_a_document_that_cannot_be_shown_is_refused(api: Api) -> None:
    hook = Watching()
    api.engine.gate = Gate([hook])
    long = {**BODY, "Labels": {"long": "x" * LIMIT}}
    json_ = {"Content-Type": "application/json"}
    for gate_, status in ((api.engine.gate, 403), (Gate(), 201)):
        api.engine.gate = gate_
        data = io.BytesIO(json.dumps(long).encode())
        async with api.client.post("/containers/create", data=data, headers=json_) as reply:
            assert reply.status == status
            assert status == 201 or "the body is longer than 1048576 bytes" in (await reply.json())["message"]
    assert hook.questions == []


CREATE = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
EVIL = json.dumps({**BODY, "HostConfig": {"Privileged": True}}).encode()


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "request_",
    [
        CREATE + b"Content-Length: 0\r\n\r\n" + EVIL,
        CREATE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(EVIL),
        CREATE + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(EVIL),
        CREATE + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + chunked(EVIL),
        CREATE + b"Transfer-Encoding: identity, chunked\r\n\r\n" + chunked(EVIL),
        CREATE + b"Transfer-Encoding: CHUNKED\r\n\r\n" + chunked(EVIL),
        CREATE + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL,
        CREATE + b"Content-Length: %d\r\nContent-Encoding: identity\r\n\r\n" % len(EVIL) + EVIL,
        CREATE.replace(b"application/json", b"APPLICATION/JSON ;charset=x") + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL,
        CREATE.replace(b"application/json", b"text/plain") + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL,
        CREATE.replace(b"Content-Type: application/json\r\n", b"") + b"Content-Length: %d\r\n\r\n" % len(EVIL) + EVIL,
        CREATE + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(EVIL) + EVIL,
    ],
    ids=["none", "chunked", "none+chunked", "chunked+none", "identity", "upper", "twice", "encoded", "charset", "text", "untyped", "expect"],
)  # fmt: skip
async def test_no_body_is_hidden_by_its_length(api: Api, request_: bytes) -> None:
    """CVE-2024-41110: dockerd showed its plugins nothing where Content-Length was 0, and acted upon the body all the same. Here, whatever is acted
    upon was shown."""
    hook = Watching()
    api.engine.gate = Gate([hook])
    await raw(api, request_)
    for container in api.supervisor.containers.list():
        assert container.config.privileged
        assert EVIL in [question.body for question in hook.questions]
    if not api.supervisor.containers.list():  # it was refused, or taken for what it said: no body
        assert all(question.body in (None, b"", EVIL) for question in hook.questions)


async def test_a_second_request_behind_the_first_is_asked_about_too(api: Api) -> None:
    hook = Watching()
    api.engine.gate = Gate([hook])
    await raw(
        api, CREATE + b"Content-Length: 0\r\n\r\nGET /info HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n", ends=False
    )
    assert [(question.method, question.path) for question in hook.questions] == [
        ("POST", "/containers/create"),
        ("GET", "/info"),
    ]


async def test_classes_in_python_are_found_and_checked() -> None:
    here = "python://tests.daemon.access.hooks"
    assert gate([f"{here}:Watching"])
    assert not gate([])
    for name, told in (
        (f"{here}:Incomplete", "it has not all of name, before and after"),
        (f"{here}:Broken", "ValueError: no way"),
        (f"{here}:Nobody", "AttributeError"),
        ("python://no.such:Thing", "ModuleNotFoundError"),
        ("python://", "ValueError"),
    ):
        with pytest.raises(ConfigError, match=f"authorization-plugins: {name}: .*{told}"):
            gate([name])


async def test_the_example_of_the_documentation_works(api: Api) -> None:
    text = authorizer.__doc__ or ""
    lines = text[text.index("    class OnlyMine") :].split("\n\nNamed as")[0]
    found: dict[str, Any] = {}
    exec(textwrap.dedent(lines), vars(authorizer) | {"__name__": "example"}, found)
    api.engine.gate = Gate([found["OnlyMine"]()])
    assert (await api.ask("GET", "/info")).status == 200
    reply = await api.ask("POST", "/containers/create", BODY)
    assert (reply.status, reply.message) == (403, "authorization denied by plugin only-mine: nobody may only look")
