"""Blobs into a registry: mounted from another repository of it, or sent in chunks, of which each is gone on with where it broke off.

Source: distribution-spec, "Pushing Blobs" and "Mounting a blob from another repository".
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import IO, Final
from urllib.parse import quote, urljoin

from attrs import define, frozen

from pycontainerd.content.blob import PIECE
from pycontainerd.errors import DigestMismatch, RegistryRefused
from pycontainerd.registry.backoff import Transient
from pycontainerd.registry.http import Answer
from pycontainerd.registry.repository import Repository
from pycontainerd.worker import Worker

_RANGE: Final = re.compile(r"(?:bytes[= ])?0-(\d+)")


@frozen(kw_only=True)
class Outgoing:
    """A blob to send: ``file`` is read from any offset, by one upload at a time."""

    digest: str
    size: int
    file: IO[bytes]


@define
class Uploader:
    """To one repository. ``send`` may be called many times at once."""

    _repository: Repository
    _worker: Worker

    async def mount(self, digest: str, source: str) -> bool:
        """Have the registry take the blob from its repository ``source``. False when it does not, for whatever reason."""
        query = f"?mount={digest}&from={quote(source, safe='')}"

        async def attempt() -> bool:
            request = self._repository.connection.request(
                "POST",
                self._repository.path(f"blobs/uploads/{query}"),
                scopes=self._repository.scopes("pull", "push", also=(source,)),
                expect=(201, 202, 401, 403, 404, 405),
            )
            async with request as answer:
                if answer.response.status == 202:  # it began an upload instead, which nobody will go on with
                    await self._cancel(answer)
                return answer.response.status == 201

        return bool(await self._repository.connection.retried(f"mount {digest} from {source}", attempt))

    async def send(self, blob: Outgoing, sent: Callable[[int], None]) -> None:
        """Upload it; ``sent`` is told how many bytes have gone. RegistryError, DigestMismatch."""
        await _Upload(self._repository, self._worker, blob, sent).run()

    async def _cancel(self, answer: Answer) -> None:
        url = urljoin(answer.url, answer.response.headers.get("Location", ""))
        try:
            request = self._repository.connection.request(
                "DELETE", url, scopes=self._repository.scopes("pull", "push"), expect=tuple(range(200, 600))
            )
            async with request:
                pass
        except Transient:
            pass  # the registry forgets it by itself, only later


class _Upload:
    """One session: ``location`` is the registry's name for it, ``offset`` where it stands as far as we know."""

    def __init__(self, repository: Repository, worker: Worker, blob: Outgoing, sent: Callable[[int], None]) -> None:
        self._connection, self._repository, self._worker = repository.connection, repository, worker
        self._blob, self._sent = blob, sent
        self._location = ""
        self._offset = self._mark = 0
        self._unsure = self._done = False
        self._what = f"push {blob.digest}"

    async def run(self) -> None:
        """To its end."""
        await self._step(self._begin)
        while self._blob.size - self._offset > self._connection.config.chunk:
            await self._step(self._chunk)
        await self._step(self._finish)
        self._sent(self._blob.size)

    async def _step(self, action: Callable[[], Awaitable[None]]) -> None:
        async def attempt() -> None:
            if self._unsure:
                await self._ask_where()
            self._unsure = bool(self._location)
            await action()
            self._unsure = False

        def progressed() -> bool:
            came, self._mark = self._offset - self._mark, self._offset
            return came > 0

        await self._connection.retried(self._what, attempt, progressed)

    async def _begin(self) -> None:
        async with self._request("POST", self._repository.path("blobs/uploads/"), (202,)) as answer:
            self._locate(answer)
            self._offset = 0

    async def _chunk(self) -> None:
        end = min(self._offset + self._connection.config.chunk, self._blob.size)
        if end <= self._offset:
            return
        headers = {"Content-Range": f"{self._offset}-{end - 1}", **_octets(end - self._offset)}
        data = self._reader(self._offset, end)
        async with self._request("PATCH", self._location, (202, 204, 416), headers, data) as answer:
            if answer.response.status == 416:
                raise Transient("it has got another part before this one")
            self._locate(answer)
            self._offset = end
            self._sent(end)

    async def _finish(self) -> None:
        """The rest, and what all of it has to be."""
        if self._done:
            return
        url = f"{self._location}{'&' if '?' in self._location else '?'}digest={self._blob.digest}"
        headers = _octets(self._blob.size - self._offset)
        if self._offset:
            headers["Content-Range"] = f"{self._offset}-{self._blob.size - 1}"
        data = self._reader(self._offset, self._blob.size)
        async with self._request("PUT", url, (201, 204, 416), headers, data) as answer:
            if answer.response.status == 416:
                raise Transient("it has got another part before this one")
            said = answer.response.headers.get("Docker-Content-Digest", self._blob.digest)
            if said != self._blob.digest:
                raise DigestMismatch(f"{self._what}: as the registry has it", self._blob.digest, said[:80])

    async def _ask_where(self) -> None:
        """After a failure nobody knows what has arrived. A session that the registry has forgotten begins anew, unless the blob is there."""
        if await self._repository.has_blob(self._blob.digest, self._blob.size):
            self._offset, self._done = self._blob.size, True
            return
        async with self._request("GET", self._location, (204, 202, 200, 404)) as answer:
            if answer.response.status != 404:
                found = _RANGE.fullmatch(answer.response.headers.get("Range", ""))
                arrived = int(found[1]) + 1 if found is not None else 0
                if 1 < arrived <= self._blob.size:  # an empty session and one of a single byte both say 0-0
                    self._offset = arrived
                    self._locate(answer, required=False)
                    return
        self._location = ""
        await self._begin()

    def _request(
        self,
        method: str,
        url: str,
        expect: tuple[int, ...],
        headers: dict[str, str] | None = None,
        data: Callable[[], AsyncIterator[bytes]] | None = None,
    ) -> AbstractAsyncContextManager[Answer]:
        return self._connection.request(
            method,
            url,
            scopes=self._repository.scopes("pull", "push"),
            headers=headers or {"Content-Length": "0"} if method == "POST" else headers,
            data=data,
            expect=expect,
            what=self._what,
        )

    def _locate(self, answer: Answer, *, required: bool = True) -> None:
        location = answer.response.headers.get("Location", "")
        if location:
            self._location = urljoin(answer.url, location)
        elif required:
            raise RegistryRefused(self._repository.host, f"{self._what}: it does not say where to upload to")

    def _reader(self, start: int, end: int) -> Callable[[], AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            offset = start
            while offset < end:
                piece = await self._worker.run(self._read, offset, min(PIECE, end - offset))
                if not piece:
                    raise OSError(f"{self._blob.digest}: shorter than it was")
                yield piece
                offset += len(piece)
                self._sent(offset)

        return pieces

    def _read(self, offset: int, size: int) -> bytes:
        self._blob.file.seek(offset)
        return self._blob.file.read(size)


def _octets(size: int) -> dict[str, str]:
    return {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
