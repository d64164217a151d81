"""The program that is killed or weighed: ``python -m tests.supervisor.registry.pulling DIRECTORY REFERENCE [for-ever|weigh]``.

It pulls and says ``half`` when a megabyte is there. ``for-ever``: it says ``ready``, and then pulls, pushes and removes over and over.
``weigh``: it says how many KiB the process has grown by, at most, while it pulled.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path

from pycontainerd import Progress, Supervisor
from tests.supervisor.registry.conftest import impatient, supervisor_with


def _told(progress: Progress) -> None:
    if progress.current > 1_000_000:
        print("half", flush=True)


async def _again_and_again(supervisor: Supervisor, reference: str) -> None:
    number = 0
    print("ready", flush=True)
    while True:
        number += 1
        await supervisor.images.pull(reference)
        other = f"{reference.rpartition(':')[0]}:pushed-{number}"
        await supervisor.images.tag(reference, other)
        await supervisor.images.push(other)
        await supervisor.images.remove(other)
        await supervisor.images.remove(reference)


async def _weigh(supervisor: Supervisor, reference: str) -> None:
    importlib.import_module("aiohttp")  # what importing it takes is not what a pull takes
    Path("/proc/self/clear_refs").write_text("5")  # proc_pid_clear_refs(5): the peak is what there is now
    before = _peak()
    await supervisor.images.pull(reference)
    print(_peak() - before, flush=True)


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


async def main(directory: Path, reference: str, mode: str) -> None:
    """Until somebody kills it, or it is done."""
    async with supervisor_with(directory, impatient(directory, stall=60.0)) as supervisor:
        if mode == "for-ever":
            await _again_and_again(supervisor, reference)
        elif mode == "weigh":
            await _weigh(supervisor, reference)
        else:
            await supervisor.images.pull(reference, progress=_told)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], (sys.argv[3:] or ["half"])[0]))
