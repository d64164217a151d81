"""The program that is killed: ``python -m tests.supervisor.registry.pulling DIRECTORY REFERENCE [for-ever]``.

It pulls and says ``half`` when a megabyte is there. For ever: it says ``ready``, and then pulls, pushes and removes over and over.
"""

from __future__ import annotations

import asyncio
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
        other = f"{reference.rpartition(':')[0]}:{number}"
        await supervisor.images.tag(reference, other)
        await supervisor.images.push(other)
        await supervisor.images.remove(other)
        await supervisor.images.remove(reference)


async def main(directory: Path, reference: str, *, for_ever: bool) -> None:
    """Until somebody kills it."""
    async with supervisor_with(directory, impatient(directory, stall=60.0)) as supervisor:
        if for_ever:
            await _again_and_again(supervisor, reference)
        await supervisor.images.pull(reference, progress=_told)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], for_ever=sys.argv[3:] == ["for-ever"]))
