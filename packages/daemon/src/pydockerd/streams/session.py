"""One client joined to one process: output to the connection, input from it, until the process ends, the client leaves or detaches."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pycontainerd.tasks.attachment import Attachment
from pydockerd.streams.detach import DetachMatcher
from pydockerd.streams.frames import frame

_PIECE = 256 << 10


class Duplex(Protocol):
    """A connection that belongs to the session alone."""

    @property
    def lost(self) -> bool:
        """Whether the client is gone. What it sent before can still be read."""

    async def read(self, size: int) -> bytes:
        """At least one byte, or none when the client will send no more."""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the client is slower than the process."""


async def join(
    connection: Duplex, attachment: Attachment, *, multiplexed: bool, stdin: bool, keys: bytes | None
) -> bool:
    """Copy both ways until the output has ended (True) or the client typed ``keys`` (False; None: there is nothing to type).

    The end of the client's input is passed on and does not end the session. Raises ConnectionError when the client is gone, or is
    cancelled then: a client may go right after its last byte, and that and the end of its input are passed on all the same.
    """
    output = asyncio.create_task(_copy_output(connection, attachment, multiplexed=multiplexed))
    detached = asyncio.create_task(_copy_input(connection, attachment if stdin else None, keys))
    over = False
    try:
        await asyncio.wait({output, detached}, return_when=asyncio.FIRST_COMPLETED)
        if detached.done() and not detached.cancelled() and detached.exception() is None and detached.result():
            over = True
            return False
        await output
        over = True
        return True
    finally:
        if not over and connection.lost:
            output.cancel()
            await asyncio.wait({detached})  # it has no more to read than what has arrived
        await _end(output, detached)


async def _copy_output(connection: Duplex, attachment: Attachment, *, multiplexed: bool) -> None:
    async for chunk in attachment:
        await connection.write(frame(chunk.stream, chunk.data) if multiplexed else chunk.data)


async def _copy_input(connection: Duplex, attachment: Attachment | None, keys: bytes | None) -> bool:
    """True when the client detached, False when its input ended or the process takes no more."""
    matcher = DetachMatcher(keys) if keys else None
    while data := await connection.read(_PIECE):
        detach = False
        if matcher is not None:
            data, detach = matcher.feed(data)
        if attachment is not None and data:
            try:
                await attachment.write(data)
            except BrokenPipeError:
                # go on reading, so that a client that only writes does not hang before it looks for output
                attachment = None
        if detach:
            return True
    if attachment is not None:
        await attachment.close_stdin()
    return False


async def _end(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
