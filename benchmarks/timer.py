"""A small process that runs commands and times them: every command-line program is started by the same one, and in the same way.

Started as ``python timer.py [--hide DIRECTORY]``. Reads one JSON list of arguments a line, answers ``{"seconds": …, "code": …}`` or
with what the command wrote to its standard error. ``--hide`` unmounts a directory for the commands alone: the process must have a
mount namespace of its own then (unshare --mount).

It imports little, and stays small, so that starting a child does not cost what copying a big process's page tables costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import IO


def main(arguments: list[str], requests: IO[str], answers: IO[str]) -> None:
    """Serve until the requests end."""
    if arguments[:1] == ["--hide"]:
        subprocess.run(["umount", arguments[1]], check=True)
    for line in requests:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


def _run(command: list[str]) -> dict[str, object]:
    read, write = os.pipe()
    with os.fdopen(read, encoding="utf-8", errors="replace") as complaints:
        start = time.perf_counter()
        try:
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=write
            ) as process:
                code = process.wait()
        finally:
            seconds = time.perf_counter() - start
            os.close(write)
        return {"seconds": seconds, "code": code, "complaint": complaints.read() if code else ""}


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdin, sys.stdout)
