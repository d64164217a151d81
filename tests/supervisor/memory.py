"""The program of test_memory.py: ``python -m tests.supervisor.memory DIRECTORY KIND ARCHIVE`` imports, and says how many KiB more it has had
in memory than before, at the worst moment.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

from tests.supervisor.conftest import supervisor_in


def _in_memory(field: str) -> int:
    """KiB; see proc_pid_status(5)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])


async def main(directory: Path, kind: str, archive: Path) -> None:
    async with supervisor_in(directory) as supervisor:
        await supervisor.images.import_rootfs(
            archive.with_name("small.tar"), "small"
        )  # what is loaded at the first time
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
        before = _in_memory("VmRSS")
        if kind == "rootfs":
            await supervisor.images.import_rootfs(archive, "big")
        elif kind == "export":
            await supervisor.images.import_rootfs(archive, "big")
            async for _ in supervisor.images.export(["big"]):
                pass
        else:
            await supervisor.images.import_archive(archive)
        print(_in_memory("VmHWM") - before)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
