"""Health checks in real containers: what they say, when they end, what is remembered."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from pycontainerd import Container, EventFilter, Health, HealthCheck, Status, Supervisor
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.running import start
from tests.supervisor.tasks.test_restarting import until


def check(line: str, **fields: Any) -> HealthCheck:
    """A health check each 50 ms."""
    return HealthCheck(**{"test": ("CMD-SHELL", line), "interval": 0.05, "retries": 2, **fields})


def health(container: Container) -> Health:
    found = container.info().health
    assert found is not None
    return found


async def health_events(supervisor: Supervisor) -> list[str]:
    wanted = EventFilter(actions=frozenset({"health_status"}), until_ns=time.time_ns())
    return [event.action async for event in supervisor.events.subscribe(since=0, wanted=wanted)]


@pytest.mark.usefixtures("busybox")
async def test_it_becomes_healthy_and_unhealthy_by_what_its_file_system_says(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("echo looking; test -e /good"))
    assert health(container).status == "starting"
    await until(lambda: health(container).status == "unhealthy")
    assert health(container).failing_streak >= 2
    result = health(container).log[-1]
    assert (result.exit_code, result.output) == (1, "looking\n")
    assert result.started_at < result.ended_at
    async with container.rootfs() as root:
        (Path(f"/proc/self/fd/{root}") / "good").touch()
    await until(lambda: health(container).status == "healthy")
    assert health(container).failing_streak == 0
    await until(lambda: len(health(container).log) == 5)
    assert len(container.execs()) <= 2
    assert await health_events(supervisor) == ["health_status: unhealthy", "health_status: healthy"]


@pytest.mark.usefixtures("busybox")
async def test_a_probe_that_takes_too_long_is_killed_and_has_failed(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("sleep 250", timeout=0.2, retries=1))
    await until(lambda: bool(health(container).log))
    result = health(container).log[0]
    assert (result.exit_code, result.output) == (-1, "Health check exceeded timeout (0.2s)")
    await container.update()
    assert sum("sleep 250" in process.command for process in await container.top()) <= 1


@pytest.mark.usefixtures("busybox")
async def test_a_program_that_is_not_there_is_a_failure_with_its_reason(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("", test=("CMD", "/absent"), retries=1))
    await until(lambda: health(container).status == "unhealthy")
    assert health(container).log[-1].exit_code != 0
    assert "/absent" in health(container).log[-1].output


@pytest.mark.usefixtures("busybox")
async def test_much_output_is_cut(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("head -c 100000 /dev/zero | tr '\\0' x"))
    await until(lambda: bool(health(container).log))
    assert health(container).log[0].output == "x" * 4096 + "..."


@pytest.mark.usefixtures("busybox")
async def test_nobody_probes_what_is_paused_or_has_ended(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("true"))
    await until(lambda: health(container).status == "healthy")
    await container.pause()
    last = health(container).log[-1]
    assert health(container).status == "unhealthy"
    await asyncio.sleep(0.3)
    assert health(container).log[-1] == last
    await container.resume()
    await until(lambda: health(container).status == "healthy")
    await container.stop(timeout=0)
    assert (container.info().status, health(container).status) == (Status.EXITED, "unhealthy")
    await container.start()
    assert health(container).status == "starting"


@pytest.mark.usefixtures("busybox")
async def test_stopping_in_the_middle_of_a_probe_is_not_held_up(supervisor: Supervisor) -> None:
    container = await start(supervisor, "sleep 300", health=check("sleep 200"))
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    await container.stop(timeout=0)
    await container.remove()
    assert time.monotonic() - begun < 8


async def test_the_next_supervisor_goes_on_probing_and_knows_what_was(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
        container = await start(first, "sleep 300", health=check("echo seen"))
        await until(lambda: health(container).status == "healthy")
    async with supervisor_in(tmp_short) as second:
        again = second.containers.get(container.id)
        assert health(again).status == "healthy"
        assert health(again).log[-1].output == "seen\n"
        number = health(again).log[-1].started_ns
        await until(lambda: health(again).log[-1].started_ns > number)
        assert await health_events(second) == ["health_status: healthy"]
        await remove_all(second)
