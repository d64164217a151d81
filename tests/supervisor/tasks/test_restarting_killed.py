"""SIGKILL of the program while containers end and are started again: policies hold in the next one, and nobody runs twice."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pycontainerd import EventFilter, Status
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.tasks.test_restarting import until

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from pycontainerd import ContainerConfig, HealthCheck, RestartPolicy
from tests.supervisor.conftest import supervisor_in

async def main():
    async with supervisor_in(Path(sys.argv[1])) as supervisor:
        if not supervisor.containers.list():
            for name, script, policy in (
                ("loop", "echo x; sleep 0.05; exit 1", RestartPolicy(name="always")),
                ("tries", "exit 2", RestartPolicy(name="on-failure", max_retries=6)),
                ("calm", "sleep 300", RestartPolicy(name="unless-stopped")),
            ):
                config = ContainerConfig(image="busybox", args=("sh", "-c", script), restart=policy,
                                         health=HealthCheck(test=("CMD", "true"), interval=0.05))
                await (await supervisor.containers.create(config, name=name)).start()
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_over_sigkill(tmp_short: Path, busybox_tar: Path) -> None:
    chance = random.Random(3)
    async with supervisor_in(tmp_short) as first:
        await first.images.import_rootfs(busybox_tar, "busybox")
    command = [sys.executable, "-c", _PROGRAM, str(tmp_short)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for _ in range(8):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            await asyncio.sleep(chance.uniform(0.02, 0.5))
            assert program.poll() is None
            program.kill()
    async with supervisor_in(tmp_short) as last:
        loop, tries, calm = map(last.containers.get, ("loop", "tries", "calm"))
        await until(lambda: tries.info().status is Status.EXITED)
        assert (tries.info().exit_code, tries.info().restart_count) == (2, 6)
        count = loop.info().restart_count
        await until(lambda: loop.info().restart_count > count)
        assert (calm.info().status, calm.info().restart_count) == (Status.RUNNING, 0)
        await until(lambda: (calm.info().health or None) is not None and calm.info().health.status == "healthy")  # type: ignore[union-attr]
        await loop.stop(timeout=0)
        for container in (loop, tries, calm):
            actors = frozenset({container.id})
            wanted = EventFilter(actors=actors, actions=frozenset({"start", "die"}), until_ns=time.time_ns())
            told = [event.action async for event in last.events.subscribe(since=0, wanted=wanted)]
            assert told[::2] == ["start"] * len(told[::2]), container.name
            assert told[1::2] == ["die"] * len(told[1::2]), container.name
        assert len([line async for line in loop.logs()]) >= loop.info().restart_count
        await remove_all(last)
