"""Blobs out of a registry, into the content store: gone on with where an earlier attempt had come to, and verified while they arrive.

Memory for each is bounded by the connection's buffer (1 MiB) and two pieces (1 MiB each), whatever the blob's size.
"""

from __future__ import annotations

import asyncio
import errno
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, TypeVar

from attrs import define, frozen

from pycontainerd.content.blob import Blob
from pycontainerd.content.claims import Claim
from pycontainerd.content.ingest import Ingest
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import RegistryError
from pycontainerd.leases import Lease
from pycontainerd.registry.backoff import Transient
from pycontainerd.registry.http import Answer
from pycontainerd.registry.repository import Repository
from pycontainerd.worker import Worker, ended

_PIECE: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_SLOWEST: Final = 1024
"""Bytes a second, over the time that a stall may take: a connection that only drips is one that stalls."""
_WORTH: Final = 1 << 20
"""So many bytes make an attempt one that brought something: the next failure counts as the first."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
T = TypeVar("T")


@frozen(kw_only=True)
class Wanted:
    """A blob: ``what`` is it in errors, ``urls`` are other places that may have it."""

    digest: str
    size: int
    what: str
    urls: tuple[str, ...] = ()


@define
class Downloader:
    """Into one store. ``fetch`` may be called many times at once."""

    _content: ContentStore
    _worker: Worker

    async def fetch(
        self,
        sources: Sequence[Repository],
        wanted: Wanted,
        lease: Lease,
        arrived: Callable[[int], None],
        verified: Callable[[Ingest], Awaitable[None]] | None = None,
    ) -> Blob:
        """The blob, held by ``lease``: from the store if it is there, or else from the first of ``sources`` that gives it.

        ``arrived`` is told how many bytes there are. Whoever else is fetching the same is waited for. What was downloaded is known to be right a while
        before it is safe on the disk: ``verified`` is told of that.

        DigestMismatch, RegistryError; OSError when the disk is full.
        """
        while True:
            if (blob := await self._present(wanted, lease)) is not None:
                return blob
            claim = self._content.claims.claim(wanted.digest)
            if isinstance(claim, Claim):
                with claim:
                    present = await self._present(wanted, lease)
                    return present or await self._download(sources, wanted, lease, arrived, verified)
            await asyncio.shield(asyncio.wrap_future(claim))

    async def _present(self, wanted: Wanted, lease: Lease) -> Blob | None:
        return await self._worker.run(self._content.find, wanted.digest, lease, size=wanted.size, what=wanted.what)

    async def _download(
        self,
        sources: Sequence[Repository],
        wanted: Wanted,
        lease: Lease,
        arrived: Callable[[int], None],
        verified: Callable[[Ingest], Awaitable[None]] | None,
    ) -> Blob:
        ingest = await self._thread(
            self._content.resume, wanted.digest, digest=wanted.digest, size=wanted.size, what=wanted.what
        )
        try:
            arrived(ingest.offset)
            await self._fill(sources, wanted, ingest, arrived)
            if verified is not None:
                ingest.check()
                await verified(ingest)
            return await self._thread(ingest.commit, lease)
        except OSError as error:
            if error.errno in _FULL:  # what is kept would keep the disk full
                await self._thread(ingest.abort)
            raise
        finally:
            await self._thread(ingest.close)

    async def _fill(
        self, sources: Sequence[Repository], wanted: Wanted, ingest: Ingest, arrived: Callable[[int], None]
    ) -> None:
        last: RegistryError | None = None
        for source in sources:
            try:
                return await self._from(source, partial(_blob, source, wanted, ingest), wanted, ingest, arrived)
            except RegistryError as error:
                last = error
        for url in wanted.urls:
            ask = partial(_elsewhere, sources[0], url, ingest)
            try:
                return await self._from(sources[0], ask, wanted, ingest, arrived)
            except RegistryError as error:
                last = error
        assert last is not None, "nowhere to fetch from"
        raise last

    async def _from(
        self,
        source: Repository,
        ask: Callable[[], AbstractAsyncContextManager[Answer]],
        wanted: Wanted,
        ingest: Ingest,
        arrived: Callable[[int], None],
    ) -> None:
        mark = ingest.offset

        async def attempt() -> None:
            if ingest.offset < wanted.size or not wanted.size:
                async with ask() as answer:
                    await self._begin(answer, ingest)
                    await self._take(answer, ingest, arrived, source.connection.config.stall)
            if ingest.offset < wanted.size:
                raise Transient(f"{ingest.offset} of {wanted.size} bytes came")

        def progressed() -> bool:
            nonlocal mark
            came, mark = ingest.offset - mark, ingest.offset
            return came >= _WORTH

        await source.connection.retried(wanted.what, attempt, progressed)

    async def _begin(self, answer: Answer, ingest: Ingest) -> None:
        """See that what comes is what follows on what is there; a registry that gives everything is taken at its word."""
        status = answer.response.status
        if status == 200:
            if ingest.offset:
                await self._thread(ingest.restart)
            return
        found = _RANGE.fullmatch(answer.response.headers.get("Content-Range", ""))
        if status != 206 or found is None or int(found[1]) != ingest.offset:
            await self._thread(ingest.restart)
            raise Transient("it gives another part than was asked for")

    async def _take(self, answer: Answer, ingest: Ingest, arrived: Callable[[int], None], stall: float) -> None:
        """While a piece is hashed and written, the next one arrives."""
        writing: asyncio.Task[None] | None = None
        try:
            async for piece in _pieces(answer, stall):
                if writing is not None:
                    await asyncio.shield(writing)
                writing = asyncio.create_task(self._write(ingest, piece, arrived))
            if writing is not None:
                await asyncio.shield(writing)
        finally:
            if writing is not None:  # nobody may close the file under a thread that writes
                await ended(writing)

    async def _write(self, ingest: Ingest, piece: bytes, arrived: Callable[[int], None]) -> None:
        await self._worker.run(ingest.write, piece)
        arrived(ingest.offset)

    async def _thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """In a thread, to its end: a caller that is cancelled waits for it."""
        work = asyncio.ensure_future(self._worker.run(function, *args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await ended(work)
            if isinstance(ingest := None if work.cancelled() or work.exception() else work.result(), Ingest):
                ingest.close()
            raise


def _blob(source: Repository, wanted: Wanted, ingest: Ingest) -> AbstractAsyncContextManager[Answer]:
    return source.blob(wanted.digest, ingest.offset, wanted.what)


def _elsewhere(source: Repository, url: str, ingest: Ingest) -> AbstractAsyncContextManager[Answer]:
    headers = {"Range": f"bytes={ingest.offset}-"} if ingest.offset else {}
    return source.connection.elsewhere(url, headers)


async def _pieces(answer: Answer, stall: float) -> AsyncIterator[bytes]:
    """Pieces of about a megabyte: a step into a thread costs as much as hashing a hundred kilobytes.

    Whatever ends it, what has arrived is given before that is raised.
    """
    held: list[bytes] = []
    size = 0
    pace = _Pace(stall)
    while True:
        try:
            data = await answer.read(_PIECE)
            pace.came(len(data))
        except Transient:
            if held:
                yield b"".join(held)
            raise
        held.append(data)
        size += len(data)
        if held and (size >= _PIECE or not data):
            yield b"".join(held)
            held, size = [], 0
        if not data:
            return


class _Pace:
    """Sees to it that a connection does not only drip."""

    def __init__(self, stall: float) -> None:
        self._stall, self._since, self._bytes = stall, time.monotonic(), 0

    def came(self, size: int) -> None:
        """So much has come. Transient when it was too little since it was last looked at."""
        self._bytes += size
        seconds = time.monotonic() - self._since
        if seconds > self._stall:
            if self._bytes < _SLOWEST * seconds:
                raise Transient("the connection only drips")
            self._since, self._bytes = time.monotonic(), 0
