"""A registry for all tests, and supervisors that are not patient."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pycontainerd import RegistryConfig, Supervisor
from tests.supervisor.conftest import remove_all
from tests.support.leftovers import OWNED
from tests.support.registry import Registry, registry
from tests.support.run import RUN


def impatient(home: Path, **changes: object) -> RegistryConfig:
    """Nothing of this machine's configuration, and short waits. Fields of RegistryConfig."""
    settings: dict[str, object] = {
        "certificates": home / "certs.d",
        "credentials": home / "docker.json",
        "pause": 0.01,
        "longest_pause": 0.2,
        "stall": 1.0,
        **changes,
    }
    return RegistryConfig(**settings)  # type: ignore[arg-type]


def supervisor_with(home: Path, config: RegistryConfig) -> Supervisor:
    """Its root and state are in ``home``, its cgroups bear the name of this run."""
    return Supervisor(
        home / "root", home / "state", cgroup_parent=f"/pycontainerd-{RUN.name[:12]}-{home.name}", registry=config
    )


@pytest.fixture
async def supervisor(tmp_short: Path) -> AsyncIterator[Supervisor]:
    async with supervisor_with(tmp_short, impatient(tmp_short)) as made:
        yield made
        await remove_all(made)


@pytest.fixture(scope="session")
def plain() -> Iterator[Registry]:
    """A registry without passwords. Each test has repositories of its own in it."""
    with registry(RUN.short_directory() / "registry") as made:
        OWNED.processes.add(made.process.pid)
        yield made
