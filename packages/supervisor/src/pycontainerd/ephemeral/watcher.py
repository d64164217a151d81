"""The program that waits for the end of an ephemeral supervisor's program: started by ``guard``, never imported.

``watcher.py PIDFD ENTRY TOKEN SYS_PATH``. Standard input is a pipe whose other end only the watched program has: a byte says that it has cleared up
itself, an end without a byte that it has executed another program. It imports nothing of this project before it has something to do: it waits with
a third of the memory, and costs a supervisor's opening a few milliseconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys


def main() -> None:
    """Wait; then clear up if nobody else has."""
    watched, entry, token, path = int(sys.argv[1]), *sys.argv[2:]
    os.chdir("/")
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("-1000")
    os.write(1, b"!")
    os.dup2(2, 1)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(0, select.POLLIN)
    ready = [fd for fd, _ in poll.poll()]
    if 0 in ready and os.read(0, 1):
        return
    sys.path[:] = json.loads(path)
    from pathlib import Path

    from pycontainerd.ephemeral.clearing import clear

    clear(Path(entry), token)


main()
