"""Standing still, being killed, and clocks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from pycontainerd import Container, ContainerConfig, ExecConfig, Status, Supervisor
from pycontainerd.errors import Conflict, NotRunning, Paused
from pycontainerd.testing import LogLine, until_ready
from tests.supervisor.running import create, output, said, start

GAPS = """
before=$(cut -d' ' -f1 /proc/uptime | tr -d .)
echo watching
while :; do
    now=$(cut -d' ' -f1 /proc/uptime | tr -d .)
    [ $((now - before)) -ge 80 ] && echo "stood still for $((now - before))"
    before=$now
done
"""


async def test_paused(supervisor: Supervisor) -> None:
    watch = await start(supervisor, GAPS, image="host")
    await until_ready(watch, LogLine("watching"))
    async with watch.faults.paused():
        assert watch.info().status is Status.PAUSED
        with pytest.raises(Paused):
            await watch.faults.paused().__aenter__()
        await asyncio.sleep(1)
    assert watch.info().status is Status.RUNNING
    await until_ready(watch, LogLine("stood still for "))


async def test_it_ends_while_it_is_paused(container: Container) -> None:
    async with container.faults.paused():
        await container.kill()
        await container.wait()
    assert container.info().status is Status.EXITED


async def test_killed_after_a_time_and_started_again(supervisor: Supervisor) -> None:
    made = await start(
        supervisor, "trap 'echo term; exit' TERM; echo begin; while :; do sleep 0.05; done", image="host"
    )
    await until_ready(made, LogLine("begin"))
    began = time.monotonic()
    async with made.faults.killed(0.3) as killing:
        assert made.info().running
        await killing.happened()
        assert time.monotonic() - began >= 0.3
        assert (await made.wait()).code == 137
    assert made.info().running
    await until_ready(made, LogLine("begin", times=2))
    async with made.faults.killed(signal="TERM", restart=False):
        await made.wait()
    assert not made.info().running
    assert (await said(made)).decode().split() == ["begin", "begin", "term"]


async def test_killed_by_a_line_of_its_log(supervisor: Supervisor) -> None:
    """At the moment at which it says that it begins something."""
    made = await start(supervisor, "while :; do sleep 0.1; echo commit; sleep 5; echo done; done", image="host")
    async with made.faults.killed("^comm") as killing:
        await killing.happened()
    async with made.faults.killed("never said", restart=False) as killing:
        await made.kill()
        with pytest.raises(NotRunning, match="never said"):
            await killing.happened()
    assert b"done" not in await said(made)


async def test_a_killing_is_called_off(container: Container) -> None:
    async with container.faults.killed(1000.0):
        pass
    async with container.faults.killed(0.2):
        pass
    await asyncio.sleep(0.4)
    assert container.info().running


async def test_clock(supervisor: Supervisor) -> None:
    made = await create(supervisor, "cat /proc/uptime; date +%s", image="host")

    async def run() -> tuple[float, int]:
        before = len((await said(made)).split())
        await made.start()
        await made.wait()
        uptime, _, day = (await said(made)).split()[before:]
        return float(uptime), int(day)

    async with made.faults.clock(86400.5):
        uptime, day = await run()
        here = float(Path("/proc/uptime").read_text().split()[0])
        assert here + 86400 < uptime + 5 < here + 86410
        assert abs(day - time.time()) < 10  # nobody has a time of day of his own
        assert made.config.clock_offset == 0
    uptime, _ = await run()
    assert abs(uptime - float(Path("/proc/uptime").read_text().split()[0])) < 10


async def test_the_clock_of_one_that_runs_cannot_be_moved(container: Container) -> None:
    with pytest.raises(Conflict, match="stop it"):
        await container.faults.clock(1).__aenter__()
    async with container.faults.paused():
        await container.stop(timeout=0)
        with pytest.raises(NotRunning):
            await container.faults.memory(1 << 20).__aenter__()


async def test_a_clock_of_its_own_for_its_whole_life(supervisor: Supervisor) -> None:
    """Processes that are executed in it have it, too; and the machine's past may be its present."""
    made = await supervisor.containers.create(
        ContainerConfig(image="host", args=("sleep", "100"), clock_offset=7 * 86400.0)
    )
    await made.start()
    assert made.info().running
    assert float((await output(supervisor, "cat /proc/uptime", image="host", clock_offset=3600.0)).split()[0]) > 3600
    half = float(Path("/proc/uptime").read_text().split()[0]) / 2
    text = await output(supervisor, "cat /proc/uptime", image="host", clock_offset=-half)
    assert float(text.split()[0]) == pytest.approx(half, abs=5)


async def test_processes_that_are_executed_have_its_clock(supervisor: Supervisor) -> None:
    made = await start(supervisor, "sleep 100", image="host", clock_offset=7 * 86400.0)
    lookup = await made.exec(ExecConfig(args=("cat", "/proc/uptime")))
    attachment = await lookup.attach()
    await lookup.start()
    text = b"".join([chunk.data async for chunk in attachment])
    assert float(text.split()[0]) > 7 * 86400
