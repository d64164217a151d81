"""What the signals mean, as with dockerd.

=========================  =================================================================
SIGTERM, SIGINT            stop gracefully; the second time without waiting for requests; the third at once
SIGHUP                     read the configuration again
SIGUSR1                    write the stacks of all threads and tasks to a file in the exec root
SIGQUIT                    write them to standard error, and end at once with 128 + 3
=========================  =================================================================
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydockerd.process import stacks


class Stopping:
    """How urgently the daemon is to stop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self, number: int) -> None:
        """Once more."""
        if self.hurried.is_set():
            os._exit(128 + number)  # what is left is the same as after SIGKILL, which the next daemon copes with
        (self.hurried if self.asked.is_set() else self.asked).set()


def install(loop: asyncio.AbstractEventLoop, stopping: Stopping, reload: Callable[[], None], directory: Path) -> None:
    """Handle them on ``loop``; ``directory`` is for files with stacks."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.ask, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, partial(stacks.dump, loop, directory))
    loop.add_signal_handler(signal.SIGQUIT, _quit, loop)


def _quit(loop: asyncio.AbstractEventLoop) -> None:
    print(stacks.stacks(loop), file=sys.stderr, flush=True)
    os._exit(128 + signal.SIGQUIT)
