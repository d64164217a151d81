"""Networks of a test's own, on this machine's kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pycontainerd.metadata.database import Database
from pydockerd.network.naming import names_of
from pydockerd.network.networks import Networks
from pydockerd.settings import NetworkSettings, Settings
from pydockerd.state.database import open_database


@pytest.fixture
def database(tmp_short: Path) -> Iterator[Database]:
    with open_database(tmp_short) as opened:
        yield opened


@pytest.fixture
def make(tmp_short: Path, database: Database) -> Callable[..., Networks]:
    """Networks as a daemon of this test's own has them; several, one after the other, on the same tables."""
    names = names_of(Settings(exec_root=tmp_short / "run"))

    def made(settings: NetworkSettings = NetworkSettings()) -> Networks:  # noqa: B008
        ids = {name: f"{number}" * 64 for number, name in enumerate(("bridge", "host", "none"))}
        return Networks(database, settings, owner=names.owner, table=names.table, link=names.link, ids=ids)

    return made


@pytest.fixture
async def networks(make: Callable[..., Networks]) -> AsyncIterator[Networks]:
    opened = make()
    await opened.open()
    await opened.reconcile([], set())
    try:
        yield opened
    finally:
        for network in await opened.all():
            for endpoint in opened.endpoints(network):
                await opened.detach(endpoint.sandbox)
        for network in await opened.all():
            if not network.is_built_in:
                await opened.remove(network.id)
        await opened.close()
