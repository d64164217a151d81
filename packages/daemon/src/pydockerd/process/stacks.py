"""What the daemon is doing right now, for who has to find out why it hangs: the stack of every thread and of every task."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

logger = logging.getLogger("pydockerd")


def stacks(loop: asyncio.AbstractEventLoop) -> str:
    """As text. No variable's value is in it."""
    text = io.StringIO()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        print(f"thread {names.get(ident, ident)}:", file=text)
        traceback.print_stack(frame, file=text)
    for task in sorted(asyncio.all_tasks(loop), key=asyncio.Task.get_name):
        print(f"\ntask {task.get_name()}:", file=text)
        for frame in _frames(task.get_coro()):
            traceback.print_stack(frame, 1, file=text)
    return text.getvalue()


def _frames(waiting: Any) -> Iterator[FrameType]:
    """Of a coroutine and of what it waits for, and so on; asyncio itself tells the first of them alone."""
    while waiting is not None:
        frame = (
            getattr(waiting, "cr_frame", None)
            or getattr(waiting, "ag_frame", None)
            or getattr(waiting, "gi_frame", None)
        )
        if frame is not None:
            yield frame
        waiting = (
            getattr(waiting, "cr_await", None)
            or getattr(waiting, "ag_await", None)
            or getattr(waiting, "gi_yieldfrom", None)
        )


def dump(loop: asyncio.AbstractEventLoop, directory: Path) -> Path | None:
    """Write them to a new file in ``directory``, and tell its name, as dockerd does on SIGUSR1. None when the disk does not take it."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    path = directory / f"stacks-{moment}.log"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(stacks(loop))
    except OSError as error:
        logger.error("stacks cannot be written to %s: %s", path, error.strerror)
        return None
    logger.info("stacks written to %s", path)
    return path
