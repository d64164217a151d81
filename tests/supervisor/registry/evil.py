"""A registry that does what it is told to: serves an image, until one of its tricks answers instead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from attrs import define, field

from tests.supervisor.archives import config, sha

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
Answer = web.StreamResponse
Trick = Callable[[web.Request], Awaitable[Answer | None]]
"""Answers in the registry's place, or leaves it to the registry (None)."""


@define
class Evil:
    """``requests`` are all that came: method, path, and the headers."""

    port: int = 0
    blobs: dict[str, bytes] = field(factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(factory=dict)
    trick: Trick | None = None
    requests: list[web.Request] = field(factory=list)
    uploads: dict[str, bytearray] = field(factory=dict)
    location: str = ""
    """What upload sessions begin with, if not with the registry's own address."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        """The image that it serves."""
        return f"{self.host}/evil:1"

    def serve(self, *layers: bytes, **changes: object) -> dict[str, object]:
        """Make an image of these layers the one that it has, and return its manifest. ``changes`` are fields of that."""
        document = config(layers)
        descriptor = {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha(document),
            "size": len(document),
        }
        described = [{"mediaType": LAYER, "digest": sha(each), "size": len(each)} for each in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": described, **changes}
        self.blobs |= {sha(each): each for each in (document, *layers)}
        self.put(json.dumps(manifest).encode())
        return manifest

    def put(self, data: bytes, kind: str = MANIFEST) -> None:
        self.manifests |= {"1": (kind, data), sha(data): (kind, data)}

    def asked(self, what: str, method: str = "GET") -> list[web.Request]:
        """The requests whose path contains ``what``."""
        return [each for each in self.requests if each.method == method and what in each.path]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Evil]:
        """On loopback, until the context is left."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> Answer:
        self.requests.append(request)
        if self.trick is not None and (answer := await self.trick(request)) is not None:
            return answer
        path = request.path
        if "/manifests/" in path:
            return self._manifest(request)
        if "/blobs/uploads/" in path:
            return await self._upload(request)
        if "/blobs/" in path:
            return self.blob(request)
        return web.Response(text="{}")

    def _manifest(self, request: web.Request) -> Answer:
        found = self.manifests.get(request.path.rpartition("/")[2])
        if found is None:
            return web.Response(status=404)
        headers = {"Content-Type": found[0], "Docker-Content-Digest": sha(found[1])}
        return web.Response(body=found[1], headers=headers)

    def blob(self, request: web.Request) -> Answer:
        """As an honest registry does, ranges too."""
        data = self.blobs.get(request.path.rpartition("/")[2])
        if data is None:
            return web.Response(status=404)
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if not start:
            return web.Response(body=data)
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return web.Response(status=206, body=data[start:], headers=headers)

    async def _upload(self, request: web.Request) -> Answer:
        name = request.path.rpartition("/")[2]
        where = f"{self.location}/v2/evil/blobs/uploads/"
        if request.method == "POST":
            name = f"u{len(self.uploads)}"
            self.uploads[name] = bytearray()
            return web.Response(status=202, headers={"Location": where + name, "Range": "0-0"})
        got = self.uploads[name]
        if request.method in ("PATCH", "PUT"):
            got += await request.read()
        if request.method == "PUT":
            digest = request.query["digest"]
            assert sha(bytes(got)) == digest
            self.blobs[digest] = bytes(got)
            return web.Response(status=201, headers={"Docker-Content-Digest": digest})
        return web.Response(
            status=202 if request.method == "PATCH" else 204,
            headers={"Location": where + name, "Range": f"0-{max(0, len(got) - 1)}"},
        )


async def part(
    request: web.Request, data: bytes, length: int, then: Callable[[], Awaitable[None]] | None = None
) -> Answer:
    """Promise ``length`` bytes, send ``data``, do ``then``, and hang up."""
    response = web.StreamResponse(headers={"Content-Length": str(length)})
    await response.prepare(request)
    await response.write(data)
    if then is not None:
        await then()
    hang_up(request)
    return response


def hang_up(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


async def for_ever() -> None:
    await asyncio.sleep(30)


def only(what: str, times: int, answer: Callable[[web.Request], Awaitable[Answer | None]]) -> Trick:
    """A trick for the first ``times`` requests whose path contains ``what``."""
    left = times

    async def trick(request: web.Request) -> Answer | None:
        nonlocal left
        if what not in request.path or left <= 0:
            return None
        left -= 1
        return await answer(request)

    return trick
