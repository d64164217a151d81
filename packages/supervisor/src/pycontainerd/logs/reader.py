"""Reading a log: from the start, the last N records, between two times, or on and on.

Files are read in large blocks, in a thread, which also does what is done to all of a block; the event loop gets finished pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from pycontainerd.logs.cursor import Cursor
from pycontainerd.logs.format import Format
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.record import LogBatch, LogRecord

_T = TypeVar("_T")
_JSON = JsonFile()


@frozen(kw_only=True)
class Query:
    """What to read: ``tail`` records from the end (None: all), then of those the ones with since <= time <= until (nanoseconds)."""

    since_ns: int | None = None
    until_ns: int | None = None
    tail: int | None = None
    stdout: bool = True
    stderr: bool = True

    def select(self, batches: list[LogBatch]) -> list[LogBatch]:
        """What of them passes."""
        batches = [each for each in batches if (self.stderr if each.stream == "stderr" else self.stdout)]
        if self.since_ns is None and self.until_ns is None:
            return batches
        cut = (each.between(self.since_ns, self.until_ns) for each in batches)
        return [each for each in cut if each is not None]


async def read(
    log: Path, query: Query, notifier: Notifier | None = None, *, form: Format = _JSON, limit: int | None = None
) -> AsyncIterator[LogRecord]:
    """The records that ``query`` wants; with a ``notifier`` also those that are still to come, until it says that there are no more.

    ``limit`` is the size, in bytes, at which to stop in the current file.
    """
    async with contextlib.aclosing(read_blocks(log, query, list, notifier, form=form, limit=limit)) as blocks:
        async for batches in blocks:
            for batch in batches:
                for record in batch.records():
                    yield record


async def read_blocks(
    log: Path,
    query: Query,
    render: Callable[[list[LogBatch]], _T],
    notifier: Notifier | None = None,
    *,
    form: Format = _JSON,
    limit: int | None = None,
) -> AsyncGenerator[_T, None]:
    """The same as ``render`` makes it of the batches of each block, in the thread that has read it."""
    cursor = await asyncio.to_thread(Cursor.at_tail, log, form, query.tail)

    def next_block() -> tuple[bool, _T | None]:
        block = cursor.next_block(limit)
        batches = query.select(_after(cursor, form.decode(block)))
        return bool(block), render(batches) if batches else None

    with cursor, contextlib.ExitStack() as stack:
        grown = stack.enter_context(notifier.following()) if notifier else None
        while True:
            finished = notifier is None or notifier.finished
            if grown is not None:
                grown.clear()
            more, rendered = await asyncio.to_thread(next_block)
            if rendered is not None:
                yield rendered
            if more:
                continue
            if finished or grown is None or not await _woken(grown, query.until_ns):
                return


def _after(cursor: Cursor, batches: list[LogBatch]) -> list[LogBatch]:
    """Without the records that are before the place where the reading was to begin; they are all in the first entry."""
    if cursor.skip and batches:
        skipped, cursor.skip = cursor.skip, 0
        batches[0] = batches[0].without_first(skipped)
    return batches


async def _woken(grown: asyncio.Event, until_ns: int | None) -> bool:
    """Wait for more; False when the time that is asked for has passed without."""
    timeout = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
    if timeout is not None and timeout <= 0:
        return False
    try:
        await asyncio.wait_for(grown.wait(), timeout)
    except TimeoutError:
        return False
    return True
