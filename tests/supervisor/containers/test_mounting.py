"""Who keeps what containers mount is asked before each run, and told after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import define, field

from pycontainerd import BindMount, ContainerConfig, RestartPolicy, Supervisor
from pycontainerd.errors import RuntimeFailed, StartFailed


@define
class Keeper:
    """Makes the directory that is mounted, and notes what it is asked."""

    source: Path
    said: list[str] = field(factory=list)
    failure: Exception | None = None

    async def prepare(self, id: str, config: ContainerConfig) -> None:
        self.said.append("prepare")
        if self.failure is not None:
            raise self.failure
        self.source.mkdir()
        (self.source / "file").write_text(config.labels["say"])

    async def release(self, id: str, config: ContainerConfig) -> None:
        self.said.append("release")
        if self.source.exists():
            (self.source / "file").unlink()
            self.source.rmdir()

    async def removed(self, id: str, config: ContainerConfig) -> None:
        self.said.append("removed")


@pytest.fixture
def keeper(tmp_short: Path) -> Keeper:
    return Keeper(tmp_short / "source")


@pytest.fixture
async def supervisor(tmp_short: Path, keeper: Keeper) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_short / "root", ephemeral=True, mounts=keeper) as opened:
        yield opened


def config(keeper: Keeper, *args: str, **more: object) -> ContainerConfig:
    mount = BindMount(source=str(keeper.source), target="/mnt", create_source=True)
    return ContainerConfig(image="host", args=args, mounts=(mount,), labels={"say": "hello"}, **more)  # type: ignore[arg-type]


async def test_around_each_run(supervisor: Supervisor, keeper: Keeper) -> None:
    container = await supervisor.containers.create(config(keeper, "cat", "/mnt/file"))
    assert keeper.said == []
    for _ in range(2):
        await container.start()
        assert (await container.wait()).code == 0
    await container.remove()
    assert keeper.said == ["prepare", "release", "prepare", "release", "removed"]
    assert not keeper.source.exists()


async def test_by_a_restart_policy(supervisor: Supervisor, keeper: Keeper) -> None:
    policy = RestartPolicy(name="on-failure", max_retries=1)
    container = await supervisor.containers.create(
        config(keeper, "sh", "-c", "cat /mnt/file && exit 3", restart=policy)
    )
    first = container.waiter("next-exit")
    await container.start()
    await first
    await container.wait("next-exit")
    await container.remove(force=True)
    assert keeper.said == ["prepare", "release", "prepare", "release", "removed"]


async def test_a_start_that_fails(supervisor: Supervisor, keeper: Keeper) -> None:
    container = await supervisor.containers.create(config(keeper, "no such command"))
    with pytest.raises(StartFailed):
        await container.start()
    assert keeper.said == ["prepare", "release"]
    assert not keeper.source.exists()


async def test_what_it_raises_is_why(supervisor: Supervisor, keeper: Keeper) -> None:
    keeper.failure = RuntimeFailed("no such disk")
    container = await supervisor.containers.create(config(keeper, "true", remove_on_exit=True))
    with pytest.raises(RuntimeFailed, match="no such disk"):
        await container.start()
    await container.wait("removed")
    assert container.info().error == "no such disk"
    assert keeper.said == ["prepare", "release", "removed"]
