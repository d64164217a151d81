"""Writing down what an application of pydockerd answers, to be held against the Engine API's document (see `tests.support.answers`).

An answer is a dict: the operation by the document's own path, the API version, the status, and ``bodies``: the documents of JSON in the body, the first
few of a stream.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from pydockerd.api.hijack import Hijacked, wants_upgrade
from pydockerd.api.routes import ROUTES
from pydockerd.errors import ApiError
from pydockerd.router import Router
from pydockerd.versions import split_path

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Sink = Callable[[dict[str, Any]], None]

LARGEST: Final = 1 << 20
"""Bytes of a body that is kept."""
TAKEN_OVER: Final = {"/containers/{id}/attach", "/exec/{id}/start"}
"""Their answers are sent past aiohttp."""
FIRST: Final = 3
"""Documents of a stream that are kept."""
_RESPONSE: Final = web.RequestKey("response", web.StreamResponse)
_PIECES: Final = web.RequestKey("pieces", list[bytes])


class Recorder:
    """Gives each answer to ``sink``, also those of streams whose clients left."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._router = Router(ROUTES)

    def install(self, app: web.Application) -> web.Application:
        """The same application, recorded from now on."""
        app.middlewares.append(self._middleware())
        app.on_response_prepare.append(_listen)
        return app

    def _middleware(self) -> Any:
        @web.middleware
        async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
            response: web.StreamResponse | None = None
            try:
                response = await handler(request)
                return response
            except asyncio.CancelledError:
                response = (
                    request.get(_RESPONSE) or Hijacked()
                )  # the end of a connection that was taken over looks like that
                raise
            finally:
                self._note(request, response)

        return record

    def _note(self, request: web.Request, response: web.StreamResponse | None) -> None:
        try:
            version, path = split_path(request.rel_url.raw_path)
        except ApiError:
            return
        found = self._router.find(request.method, path)
        if found is None or response is None:
            return
        if isinstance(response, Hijacked) and found[0].path not in TAKEN_OVER:
            return  # the client left before it was answered
        answer = {"method": request.method, "path": found[0].path, "version": list(version)}
        self._sink({**answer, "status": _status(request, response), "bodies": _documents(request, response)})


async def _listen(request: web.Request, response: web.StreamResponse) -> None:
    """Keep what a stream of JSON is about to write."""
    request[_RESPONSE] = response
    if isinstance(response, web.Response) or response.content_type != "application/json":
        return
    pieces, write = request.setdefault(_PIECES, []), response.write

    async def kept(data: bytes) -> None:
        if len(pieces) < FIRST and len(data) < LARGEST:
            pieces.append(bytes(data))
        await write(data)

    vars(response)["write"] = kept


def _status(request: web.Request, response: web.StreamResponse) -> int:
    upgraded = isinstance(response, Hijacked) and wants_upgrade(request)
    return 101 if upgraded else response.status


def _documents(request: web.Request, response: web.StreamResponse) -> list[Any]:
    content = getattr(response, "body", None)
    whole = [content] if isinstance(content, bytes) and response.content_type == "application/json" else []
    found = []
    for piece in request.get(_PIECES, whole):
        for line in piece.splitlines()[:FIRST] if len(piece) <= LARGEST else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the beginning of one
    return found
