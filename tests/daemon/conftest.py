"""Fixtures: the application over a supervisor in memory, and a client that checks every answer against the API's document."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientSession, UnixConnector, web
from attrs import frozen

from pycontainerd import Supervisor
from pydockerd.app import application
from pydockerd.builder.cache import BuildCache
from pydockerd.engine import Engine
from pydockerd.process.opening import opened_networks
from pydockerd.settings import Settings
from pydockerd.state.database import open_database
from pydockerd.volumes.provider import VolumeMounts
from pydockerd.volumes.store import VolumeStore
from pydockerd.volumes.views import ImageViews
from tests.daemon.fakes import FakeContainer, FakeSupervisor
from tests.support.answers import ANSWERS
from tests.support.recording import Recorder


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

    def __init__(self, client: ClientSession, socket: str, supervisor: FakeSupervisor, engine: Engine) -> None:
        self.client, self.socket, self.supervisor, self.engine = client, socket, supervisor, engine

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
async def engine(tmp_short: Path) -> AsyncIterator[Engine]:
    """A supervisor in memory, and what the daemon keeps itself."""
    with open_database(tmp_short) as state:
        volumes = VolumeStore(state, tmp_short)
        mounts = VolumeMounts(volumes, tmp_short / "mounts", ImageViews(lambda: cast("Any", None)))
        settings = Settings(data_root=tmp_short, exec_root=tmp_short / "run")
        async with opened_networks(state, settings) as networks:
            cache = BuildCache(state, tmp_short / "builds", tmp_short / "run/builds")
            yield Engine(cast("Supervisor", FakeSupervisor()), settings, volumes, mounts, networks, cache)


@pytest.fixture
async def api(tmp_short: Path, engine: Engine) -> AsyncIterator[Api]:
    """The application as the daemon serves it: on a unix socket, with streams that end with their client."""
    supervisor = cast("FakeSupervisor", engine.supervisor)
    recorded = Recorder(ANSWERS.add).install(application(engine))
    runner = web.AppRunner(recorded, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        socket = str(tmp_short / "d.sock")
        await web.UnixSite(runner, socket).start()
        async with ClientSession("http://docker", connector=UnixConnector(socket)) as client:
            yield Api(client, socket, supervisor, engine)
    finally:
        await runner.cleanup()
