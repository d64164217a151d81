"""Other limits while a container runs, seen from within; and the checkpoint that this machine cannot make."""

from __future__ import annotations

from pathlib import Path

import pytest

from pycontainerd import ExecConfig, Resources, Supervisor
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig, NotRunning, RuntimeFailed, Unsupported
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import start

pytestmark = pytest.mark.usefixtures("busybox")


def limit(supervisor: Supervisor, id: str, *files: str) -> int:
    """What the kernel has, by either version's name."""
    for name in files:
        for found in Path("/sys/fs/cgroup").glob(f"*/{supervisor.cgroup_parent}/{id}/{name}"):
            return int(found.read_text().split()[0])
    raise AssertionError(f"no cgroup of {id} has {files}")


async def test_limits_of_a_running_container(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", resources=Resources(memory=64 << 20))
    await container.update(resources=Resources(memory=96 << 20, pids_limit=50, cpu_shares=512))
    assert limit(supervisor, container.id, "memory.limit_in_bytes", "memory.max") == 96 << 20
    assert limit(supervisor, container.id, "pids.max") == 50
    assert container.config.resources == Resources(memory=96 << 20, pids_limit=50, cpu_shares=512)
    await container.update(resources=Resources(pids_limit=-1))
    assert container.config.resources.pids_limit == -1
    await container.stop(timeout=0)
    await container.start()
    assert limit(supervisor, container.id, "memory.limit_in_bytes", "memory.max") == 96 << 20


async def test_limits_are_kept_for_the_next_run_and_the_next_supervisor(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short / "own") as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        made = await first.containers.create(ContainerConfig(image="busybox", args=("sleep", "300")))
        await made.update(resources=Resources(pids_limit=33), annotations={"why": "test"})
    async with supervisor_in(tmp_short / "own") as second:
        again = second.containers.get(made.id)
        assert (again.config.resources.pids_limit, again.config.annotations) == (33, {"why": "test"})
        await again.start()
        assert limit(second, again.id, "pids.max") == 33
        await remove_all(second)


async def test_what_cannot_be_changes_nothing(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", resources=Resources(memory=64 << 20, memory_swap=64 << 20))
    for wrong, said in (
        (Resources(memory=1), "Minimum memory limit"),
        (Resources(memory=96 << 20), "already set memoryswap limit"),
        (Resources(blkio_weight=5), "Range of blkio weight"),
    ):
        with pytest.raises(InvalidConfig, match=said):
            await container.update(resources=wrong)
    with pytest.raises(RuntimeFailed, match=r"cpu\.cpus: .4000. was refused"):
        await container.update(resources=Resources(pids_limit=20, cpuset_cpus="4000"))
    assert container.config.resources == Resources(memory=64 << 20, memory_swap=64 << 20)
    assert limit(supervisor, container.id, "memory.limit_in_bytes", "memory.max") == 64 << 20


async def test_an_event_tells_of_it(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300")
    events = supervisor.events.subscription()
    await container.update(resources=Resources(pids_limit=20))
    assert (await anext(events)).action == "update"
    await events.aclose()


async def test_checkpoint_says_why_it_cannot_be(supervisor: Supervisor, tmp_path: Path) -> None:
    container = await start(supervisor, "sleep 300")
    with pytest.raises((Unsupported, RuntimeFailed), match=container.id[:12]):
        await container.checkpoint(tmp_path / "images")
    probe = await container.exec(ExecConfig(args=("true",)))
    await probe.start()
    assert await probe.wait() == 0
    await container.stop(timeout=0)
    with pytest.raises(NotRunning):
        await container.checkpoint(tmp_path / "images")
