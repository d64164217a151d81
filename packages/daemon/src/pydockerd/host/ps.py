"""``docker top`` with options of ps(1): the host's ps, reduced to a container's processes."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Collection

from pydockerd.errors import BadRequest, InternalError
from pydockerd.models.container import Top

DEFAULT = "-ef"


async def ps(arguments: str, pids: Collection[int]) -> Top:
    """Run ps with ``arguments`` and keep the lines of ``pids``. Raises BadRequest with what ps says of its arguments."""
    words = arguments.split()
    if any("=" in word for word in words):
        # a renamed column (-o pid=x) would hide which process is whose
        raise BadRequest(f"specification of ps_args is not allowed to rename columns: {arguments!r}")
    process = await asyncio.create_subprocess_exec("ps", *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    output, complaint = await process.communicate()
    if process.returncode != 0:
        raise BadRequest(f"ps: {complaint.decode(errors='replace').strip()}")
    return select(output.decode(errors="replace"), pids)


def select(output: str, pids: Collection[int]) -> Top:
    """The lines of ``output`` whose PID column is one of ``pids``."""
    lines = output.splitlines()
    titles = tuple(lines[0].split()) if lines else ()
    if "PID" not in titles:
        raise InternalError("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = (tuple(line.split(maxsplit=len(titles) - 1)) for line in lines[1:])
    wanted = {str(pid) for pid in pids}
    return Top(titles=titles, processes=tuple(row for row in rows if len(row) > column and row[column] in wanted))
