"""docker's authorization plugins: a server of the protocol on a socket, asked by the application."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field

from pydockerd.access.gate import Gate
from pydockerd.access.plugin import Plugin, find
from pydockerd.errors import ConfigError
from tests.daemon.conftest import Api

BODY = {"Image": "busybox", "Cmd": ["true"]}


@define
class Server:
    """Says ``answers`` to its questions, which it keeps; by default it allows."""

    socket: Path
    implements: tuple[str, ...] = ("authz",)
    answers: dict[str, Any] = field(factory=dict)
    asked: list[tuple[str, Any]] = field(factory=list)
    status: int = 200

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        app = web.Application()
        app.router.add_post("/{method}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.UnixSite(runner, str(self.socket)).start()
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        assert request.headers["Accept"] == "application/vnd.docker.plugins.v1.2+json"
        content = await request.read()
        self.asked.append((method, json.loads(content) if content else None))
        if method == "Plugin.Activate":
            return web.json_response({"Implements": list(self.implements)})
        return web.json_response(self.answers.get(method, {"Allow": True}), status=self.status)


@pytest.fixture
async def plugin(tmp_short: Path) -> AsyncIterator[Server]:
    async with Server(tmp_short / "guard.sock").serving() as server:
        yield server


@pytest.fixture
async def guarded(api: Api, plugin: Server) -> AsyncIterator[Api]:
    api.engine.gate = Gate([find(f"unix://{plugin.socket}")])
    yield api
    await api.engine.gate.close()


async def test_dockers_messages(guarded: Api, plugin: Server) -> None:
    reply = await guarded.ask("POST", "/v1.44/containers/create?name=aa", BODY, headers={"X-Registry-Auth": "c2VjcmV0"})
    assert reply.status == 201
    activated, asked, told = plugin.asked
    assert activated == ("Plugin.Activate", None)
    method, question = asked
    assert method == "AuthZPlugin.AuthZReq"
    assert question["RequestMethod"] == "POST"
    assert question["RequestUri"] == "/v1.44/containers/create?name=aa"
    assert json.loads(base64.b64decode(question["RequestBody"])) == BODY
    assert question["RequestHeaders"]["Content-Type"] == "application/json"
    assert "X-Registry-Auth" not in question["RequestHeaders"]
    assert "User" not in question
    method, answer = told
    assert method == "AuthZPlugin.AuthZRes"
    assert answer | question == answer
    assert answer["ResponseStatusCode"] == 201
    assert base64.b64decode(answer["ResponseBody"]) == reply.content


async def test_denied(guarded: Api, plugin: Server) -> None:
    plugin.answers["AuthZPlugin.AuthZReq"] = {"Allow": False, "Msg": "not on a Sunday"}
    reply = await guarded.ask("POST", "/containers/create", BODY)
    assert (reply.status, reply.message) == (403, "authorization denied by plugin guard: not on a Sunday")
    assert guarded.supervisor.containers.list() == []


async def test_denied_afterwards(guarded: Api, plugin: Server) -> None:
    plugin.answers["AuthZPlugin.AuthZRes"] = {"Allow": False, "Msg": "you have seen enough"}
    reply = await guarded.ask("GET", "/info")
    assert (reply.status, reply.message) == (403, "authorization denied by plugin guard: you have seen enough")


@pytest.mark.parametrize("answer", [{}, {"Allow": "yes"}, {"Allow": 1}, {"Allow": None}])
async def test_only_true_is_allowed(guarded: Api, plugin: Server, answer: dict[str, Any]) -> None:
    plugin.answers["AuthZPlugin.AuthZReq"] = answer
    assert (await guarded.ask("GET", "/info")).status == 403


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ({"Allow": True, "Err": "out of order"}, 200, "out of order"),
        ({"Err": "no"}, 500, "AuthZPlugin.AuthZReq: it answers 500: no"),
        ([], 200, "AuthZPlugin.AuthZReq: its answer is no JSON object"),
    ],
)
async def test_failures_refuse(guarded: Api, plugin: Server, answer: Any, status: int, told: str) -> None:
    plugin.answers["AuthZPlugin.AuthZReq"], plugin.status = answer, status
    reply = await guarded.ask("GET", "/info")
    assert (reply.status, reply.message) == (500, f"plugin guard failed with error: {told}")


async def test_one_that_is_gone_refuses_and_may_come_back(api: Api, tmp_short: Path) -> None:
    socket = tmp_short / "late.sock"
    api.engine.gate = Gate([Plugin("late", f"unix://{socket}")])
    try:
        reply = await api.ask("GET", "/info")
        assert reply.status == 500
        assert reply.message.startswith("plugin late failed with error: Plugin.Activate: Cannot connect")
        async with Server(socket).serving():
            assert (await api.ask("GET", "/info")).status == 200
        assert (await api.ask("GET", "/info")).status == 500
    finally:
        await api.engine.gate.close()


async def test_one_of_another_kind_refuses(api: Api, tmp_short: Path) -> None:
    async with Server(tmp_short / "x.sock", implements=("VolumeDriver",)).serving() as server:
        api.engine.gate = Gate([Plugin("x", f"unix://{server.socket}")])
        reply = await api.ask("GET", "/info")
        assert (reply.status, "it is no authorization plugin" in reply.message) == (500, True)
        await api.engine.gate.close()


async def test_found_by_name_as_dockerd_does(tmp_short: Path) -> None:
    sockets, files = tmp_short / "run", tmp_short / "etc"
    (sockets / "nested").mkdir(parents=True)
    files.mkdir()
    (files / "spec.spec").write_text(f"unix://{tmp_short}/spec.sock\n")
    (files / "bad.spec").write_text("https://example.org")
    async with (
        Server(sockets / "plain.sock").serving(),
        Server(sockets / "nested" / "nested.sock").serving(),
        Server(tmp_short / "spec.sock").serving() as specified,
    ):
        for name in ("plain", "nested", "spec"):
            assert find(name, sockets, [files]).name == name
        plugin = find("spec", sockets, [files])
        await plugin._ask("AuthZPlugin.AuthZReq", {})
        await plugin.close()
        assert [method for method, _ in specified.asked] == ["Plugin.Activate", "AuthZPlugin.AuthZReq"]
    for name, told in (
        ("nobody", 'plugin "nobody" not found'),
        ("../x", "is no name of a plugin"),
        ("", "is no name"),
        ("bad", "expected unix://PATH or tcp://HOST:PORT"),
    ):
        with pytest.raises(ConfigError, match=told):
            find(name, sockets, [files])
