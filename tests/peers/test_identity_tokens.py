"""``docker login`` at a registry whose token server gives identity tokens: the password is not kept, and the token does for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.conftest import Engine
from tests.support.daemon import UnixConnection
from tests.support.registry import PASSWORD, USER, Registry, TokenServer, registry


@pytest.fixture
def tokens(tmp_short: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_short / "tokens").serving() as serving:
        yield serving


@pytest.fixture
def guarded(tmp_short: Path, tokens: TokenServer) -> Iterator[Registry]:
    with registry(tmp_short / "registry", tokens=tokens) as started:
        yield started


def test_the_token_stands_for_the_password(engine: Engine, guarded: Registry, tokens: TokenServer) -> None:
    name = f"{guarded.host}/own/image:1"
    engine.ok("tag", "busybox", name)
    assert engine.docker("push", name).returncode == 1
    wrong = engine.docker("login", "-u", USER, "--password-stdin", guarded.host, stdin="wrong")
    assert wrong.returncode == 1
    engine.ok("login", "-u", USER, "--password-stdin", guarded.host, stdin=PASSWORD)
    kept = (engine.directory / "config" / "config.json").read_text()
    assert json.loads(kept)["auths"][guarded.host]["identitytoken"] == tokens.identity
    assert PASSWORD not in kept
    tokens.asked.clear()
    engine.ok("push", name)
    assert {each.get("refresh_token") for each in tokens.asked if "refreshed" in each} == {tokens.identity}
    assert not any(each.get("authorized") == "True" for each in tokens.asked)
    engine.ok("rmi", name)
    engine.ok("pull", name)
    assert login(engine, guarded, tokens.identity) == (200, tokens.identity)  # the answer says what is to be kept
    assert login(engine, guarded, "somebody else's")[0] == 401
    engine.ok("logout", guarded.host)
    assert engine.docker("push", name).returncode == 1
    engine.ok("rmi", name)


def login(engine: Engine, guarded: Registry, token: str) -> tuple[int, str | None]:
    """With a token, as clients other than the docker CLI do: the status, and the token of the answer."""
    connection = UnixConnection(engine.host.removeprefix("unix://"), timeout=20)
    try:
        body = json.dumps({"serveraddress": guarded.host, "identitytoken": token})
        connection.request("POST", "/auth", body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()).get("IdentityToken")
    finally:
        connection.close()
