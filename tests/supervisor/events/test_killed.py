"""SIGKILL while events are written and read: who comes back with his cursor misses none and sees none twice."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pycontainerd import EventFilter
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.tasks.test_restarting import until

_PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from tests.supervisor.conftest import supervisor_in
from pycontainerd import ContainerConfig
directory = Path(sys.argv[1])
seen = os.open(directory / "seen", os.O_RDWR | os.O_CREAT | os.O_APPEND)
acked = os.open(directory / "acked", os.O_RDWR | os.O_CREAT | os.O_APPEND)

def lines(fd):
    return os.pread(fd, 1 << 26, 0).decode().splitlines()

async def publish(supervisor, worker):
    while True:
        name = f"{worker}-{os.urandom(6).hex()}"
        await supervisor.events.publish("test", name, "x")
        os.write(acked, f"{name}\\n".encode())

async def churn(supervisor):
    while True:
        container = await supervisor.containers.create(ContainerConfig(image="host", args=("true",)))
        await container.start()
        await container.wait()
        await container.remove()

async def read(supervisor):
    told = lines(seen)
    cursor = int(told[-1].split()[0]) if told else 0
    async for event in supervisor.events.subscribe(since=cursor):
        os.write(seen, f"{event.cursor} {event.type} {event.action}\\n".encode())

async def main():
    async with supervisor_in(directory) as supervisor:
        print("ready", flush=True)
        await asyncio.gather(read(supervisor), churn(supervisor), *(publish(supervisor, n) for n in range(3)))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_over_sigkill(tmp_short: Path) -> None:
    chance = random.Random(7)
    command = [sys.executable, "-c", _PROGRAM, str(tmp_short)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for number in range(9):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            if number == 8:  # once a whole life, however busy the machine is
                await until(lambda: "container destroy" in (tmp_short / "seen").read_text())
            assert program.poll() is None
            program.kill()
    seen = [line.split(maxsplit=2) for line in (tmp_short / "seen").read_text().splitlines()]
    async with supervisor_in(tmp_short) as supervisor:
        await remove_all(supervisor)
        past = EventFilter(until_ns=time.time_ns())
        stored = [event async for event in supervisor.events.subscribe(since=0, wanted=past)]
        cursor = int(seen[-1][0])
        rest = [event.cursor async for event in supervisor.events.subscribe(since=cursor, wanted=past)]
    known = [(str(event.cursor), event.type, event.action) for event in stored]
    assert [tuple(line) for line in seen] == known[: len(seen)]
    assert [int(line[0]) for line in seen] + rest == [event.cursor for event in stored]
    published = [event.action for event in stored if event.type == "test"]
    assert len(published) == len(set(published))
    assert set((tmp_short / "acked").read_text().split()) <= set(published)
    assert {"create", "start", "die", "destroy"} <= {event.action for event in stored}
    assert len(seen) > 100
