"""What a generator makes in a worker's thread, as an asynchronous stream of pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator

from pycontainerd.content.store import PIECE
from pycontainerd.tasks.commit import Pieces
from pycontainerd.worker import Worker


async def flow(worker: Worker, made: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """Its bytes in pieces of one size. However the reader leaves, the generator is closed, once the thread that is in it has come out."""
    source = Pieces(made)
    reading: asyncio.Future[bytes] | None = None
    try:
        while True:
            reading = asyncio.ensure_future(worker.run(source.read, PIECE))
            piece = await asyncio.shield(reading)
            if not piece:
                return
            yield piece
    finally:
        if reading is not None:
            await asyncio.wait({reading})
        await worker.run(made.close)
