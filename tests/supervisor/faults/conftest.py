"""A container whose faults are looked at from inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from pycontainerd import Container, ExecConfig, Supervisor
from pycontainerd.testing import LogLine, until_ready
from tests.supervisor.running import start

Run = Callable[[str], Awaitable[tuple[int, str]]]


@pytest.fixture
async def container(supervisor: Supervisor) -> Container:
    """It does nothing; scripts are run in it."""
    script = "mkdir -p /srv/data; echo kept > /srv/data/old; echo ready; exec sleep 1000"
    made = await start(supervisor, script, image="host")
    await until_ready(made, LogLine("ready"))
    return made


@pytest.fixture
def run(container: Container) -> Run:
    """Run a script in it: its exit code, and what it has said."""

    async def run(script: str) -> tuple[int, str]:
        made = await container.exec(ExecConfig(args=("sh", "-c", script)))
        attachment = await made.attach()
        await made.start()
        text = b"".join([chunk.data async for chunk in attachment]).decode()
        attachment.detach()
        return await made.wait(), text

    return run
