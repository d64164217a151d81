"""Restart policies on real containers, also over supervisors that come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pycontainerd import Container, EventFilter, RestartPolicy, Status, Supervisor
from pycontainerd.errors import AlreadyRunning, ContainerRunning, InvalidConfig, Restarting
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import create, said, start

ALWAYS = RestartPolicy(name="always")
UNLESS_STOPPED = RestartPolicy(name="unless-stopped")


async def until(wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not wanted():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        await asyncio.sleep(0.005)


async def restarting(container: Container) -> None:
    """Until it waits for its next start, for some time."""
    await until(lambda: container.info().status is Status.RESTARTING and container.info().restart_count >= 4)


@pytest.mark.usefixtures("busybox")
async def test_on_failure_is_tried_so_often_and_who_waits_is_told_of_the_first_end(supervisor: Supervisor) -> None:
    policy = RestartPolicy(name="on-failure", max_retries=3)
    container = await create(supervisor, "echo run; exit 4", restart=policy)
    waiting = container.waiter("next-exit")
    await container.start()
    assert (await asyncio.wait_for(waiting, 20)).code == 4
    assert container.info().status is Status.RESTARTING
    await until(lambda: container.info().status is Status.EXITED)
    info = container.info()
    assert (info.status, info.restart_count) == (Status.EXITED, 3)
    assert await said(container) == b"run\n" * 4
    wanted = EventFilter(actions=frozenset({"start", "die"}), until_ns=time.time_ns())
    events = [event.time_ns async for event in supervisor.events.subscribe(since=0, wanted=wanted)]
    waits = [(begun - ended) / 1e9 for ended, begun in zip(events[1::2], events[2::2], strict=False)]
    assert [wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True)] == [True] * 3


@pytest.mark.usefixtures("busybox")
async def test_success_is_no_failure(supervisor: Supervisor) -> None:
    container = await start(supervisor, "true", restart=RestartPolicy(name="on-failure"))
    assert (await container.wait()).code == 0
    assert container.info().restart_count == 0


@pytest.mark.usefixtures("busybox")
async def test_stop_ends_a_container_that_is_between_two_runs(supervisor: Supervisor) -> None:
    container = await start(supervisor, "exit 5", restart=ALWAYS)
    await restarting(container)
    waiting = container.waiter()
    with pytest.raises(Restarting, match="is restarting, wait until"):
        await container.pause()
    with pytest.raises(AlreadyRunning):
        await container.start()
    with pytest.raises(ContainerRunning, match="container is restarting"):
        await container.remove()
    await container.stop()
    assert (await asyncio.wait_for(waiting, 5)).code == 5
    runs = container.info().started_at
    await asyncio.sleep(1.8)
    assert (container.info().status, container.info().started_at) == (Status.EXITED, runs)


@pytest.mark.usefixtures("busybox")
async def test_removal_by_force_ends_it_too(supervisor: Supervisor) -> None:
    container = await start(supervisor, "exit 5", restart=ALWAYS)
    await restarting(container)
    await container.remove(force=True)
    await asyncio.sleep(1)
    assert supervisor.containers.list() == []


@pytest.mark.usefixtures("busybox")
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_what_somebody_ends_stays_so(supervisor: Supervisor, how: str) -> None:
    container = await start(supervisor, "sleep 300", restart=UNLESS_STOPPED)
    await (container.stop(timeout=0) if how == "stop" else container.kill())
    assert (await asyncio.wait_for(container.wait(), 10)).code == 137
    await asyncio.sleep(0.5)
    assert container.info().status is Status.EXITED
    await container.start()
    assert container.info().status is Status.RUNNING


@pytest.mark.usefixtures("busybox")
async def test_another_signal_than_its_own_is_no_stop(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", restart=ALWAYS, stop_signal="INT", init=True)
    first = container.info().pid
    await container.kill("TERM")
    await until(lambda: container.info().status is Status.RUNNING and container.info().pid not in {0, first})
    assert container.info().restart_count == 1


@pytest.mark.usefixtures("busybox")
async def test_update_changes_the_policy_of_a_running_container(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 0.5; exit 3")
    await container.update(restart=RestartPolicy(name="on-failure", max_retries=1))
    assert (await asyncio.wait_for(container.wait(), 20)).code == 3
    await until(lambda: container.info().status is Status.EXITED)
    assert container.info().restart_count == 1
    with pytest.raises(InvalidConfig, match="restart: maximum retry count"):
        await container.update(restart=RestartPolicy(name="always", max_retries=1))
    assert container.config.restart.name == "on-failure"


@pytest.mark.usefixtures("busybox")
async def test_a_policy_and_removal_contradict_each_other(supervisor: Supervisor) -> None:
    with pytest.raises(InvalidConfig, match="restart: a container that is removed"):
        await create(supervisor, "true", restart=ALWAYS, remove_on_exit=True)


async def test_what_ended_while_nobody_watched_is_started_by_the_next_supervisor(
    tmp_short: Path, busybox_tar: Path
) -> None:
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        short = await start(first, "sleep 0.4; exit 1", name="short", restart=RestartPolicy(name="on-failure"))
        once = await start(first, "sleep 0.4", name="once")
        loop = await start(first, "exit 1", name="loop", restart=ALWAYS)
        await restarting(loop)
    await asyncio.sleep(1)
    async with supervisor_in(tmp_short) as second:
        again = second.containers.get(short.id)
        await until(lambda: again.info().restart_count >= 1)
        count = loop.info().restart_count
        await until(lambda: second.containers.get("loop").info().restart_count > count)
        await until(lambda: second.containers.get(once.id).info().status is Status.EXITED)
        assert second.containers.get("once").info().restart_count == 0
        await remove_all(second)


@pytest.mark.parametrize(("policy", "again"), [(ALWAYS, True), (UNLESS_STOPPED, False)])
async def test_what_was_stopped_begins_with_the_supervisor_only_if_always(
    tmp_short: Path, busybox_tar: Path, policy: RestartPolicy, again: bool
) -> None:
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        made = await create(first, "sleep 300", restart=ALWAYS, name="never-started")
        container = await start(first, "sleep 300", restart=policy)
        await container.stop(timeout=0)
    async with supervisor_in(tmp_short) as second:
        container = second.containers.get(container.id)
        if again:
            await until(lambda: container.info().status is Status.RUNNING)
        await asyncio.sleep(0.5)
        assert container.info().running is again
        assert second.containers.get(made.id).info().status is Status.CREATED
        await remove_all(second)
