"""The program of test_evil.py that is killed: ``python -m tests.supervisor.registry.pulling DIRECTORY REFERENCE`` pulls, and says ``half``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pycontainerd import Progress
from tests.supervisor.registry.conftest import impatient, supervisor_with


def _told(progress: Progress) -> None:
    if progress.current > 1_000_000:
        print("half", flush=True)


async def main(directory: Path, reference: str) -> None:
    """Until somebody kills it."""
    async with supervisor_with(directory, impatient(directory, stall=60.0)) as supervisor:
        await supervisor.images.pull(reference, progress=_told)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
