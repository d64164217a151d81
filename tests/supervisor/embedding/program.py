"""A program that embeds an ephemeral supervisor, for tests that end it: ``python -m tests.supervisor.embedding.program DIRECTORY END``.

It runs containers, says their pids in one line of JSON and then ends in the way that it was told, or waits to be killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from pycontainerd import ExecConfig, Supervisor
from tests.supervisor.running import start


async def fill(supervisor: Supervisor) -> list[int]:
    """One container of each kind of life; the pids of their processes."""
    running = await start(supervisor, "sleep 1000 & setsid sleep 1000 & wait", image="host")
    lookup = await running.exec(ExecConfig(args=("sleep", "1000")))
    await lookup.start()
    paused = await start(supervisor, "sleep 1000", image="host", init=True)
    await paused.pause()
    ended = await start(supervisor, "true", image="host")
    await ended.wait()
    return [each.info().pid for each in (running, paused)] + [process.pid for process in await running.top()]


async def main(directory: Path, end: str) -> None:
    """``end``: ``wait``, ``exit``, ``execute`` or ``fork``."""
    async with Supervisor(
        directory / "root", directory / "state", cgroup_parent=parent(directory), ephemeral=True
    ) as made:
        pids = await fill(made)
        survivor = 0
        loop_that_hangs = time.sleep
        if end == "fork" and (survivor := os.fork()) == 0:
            loop_that_hangs(1000)
        print(json.dumps({"pids": pids, "survivor": survivor, "children": children()}), flush=True)
        if end == "execute":
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)"])
        if end == "exit":
            os._exit(3)
        loop_that_hangs(1000)


def parent(directory: Path) -> str:
    """The cgroup of its containers."""
    return f"/pycontainerd-{os.environ['PYRUNC_TEST_RUN'][:12]}-{directory.name}"


def children() -> list[int]:
    """The watcher's pid: the only child there is, besides monitors."""
    said = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "watcher.py"], capture_output=True, text=True)
    return [int(pid) for pid in said.stdout.split()]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
