"""Fixtures: the application over a supervisor in memory, and a client that checks every answer against the API's document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer
from attrs import frozen

from pycontainerd import Supervisor
from pydockerd.app import application
from pydockerd.engine import Engine
from pydockerd.settings import Settings
from tests.daemon.fakes import FakeContainer, FakeSupervisor


@frozen
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def message(self) -> str:
        """The text of an error body; fails for anything else."""
        body = self.json
        assert set(body) == {"message"}
        return cast("str", body["message"])


class Api:
    """A client of the application under test."""

    def __init__(self, client: TestClient[Any, Any], supervisor: FakeSupervisor, engine: Engine) -> None:
        self.client, self.supervisor, self.engine = client, supervisor, engine

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        async with self.client.request(method, path, json=body, headers=headers, allow_redirects=False) as response:
            return Reply(response.status, dict(response.headers), await response.read())

    async def create(self, name: str = "web", **config: Any) -> FakeContainer:
        reply = await self.ask(
            "POST", f"/containers/create?name={name}", {"Image": "busybox", "Cmd": ["sleep", "9"], **config}
        )
        assert reply.status == 201, reply.content
        return self.supervisor.containers.get(reply.json["Id"])


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    supervisor = FakeSupervisor()
    engine = Engine(supervisor=cast("Supervisor", supervisor), settings=Settings(data_root=tmp_path))
    server = TestServer(application(engine))
    async with TestClient(server) as client:
        yield Api(client, supervisor, engine)
