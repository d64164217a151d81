"""The application: finds the operation of a request, runs it, and answers what goes wrong in the API's form."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from pydockerd.api.call import Call, Route, answer
from pydockerd.api.headers import HEADERS
from pydockerd.api.hijack import Hijacked
from pydockerd.api.routes import ROUTES
from pydockerd.engine import Engine
from pydockerd.errors import ApiError, BadRequest, NotFound, NotModified
from pydockerd.faults import as_answer
from pydockerd.journal import request_id
from pydockerd.router import Router
from pydockerd.traces import trace_id
from pydockerd.versions import split_path

BODY_LIMIT: Final = 16 << 20
"""Bytes of a body that is read as a whole; archives are streams and have no limit."""

logger = logging.getLogger("pydockerd.api")


def application(engine: Engine) -> web.Application:
    """The Engine API over ``engine``, to be served by any aiohttp runner.

    Run it with ``handler_cancellation=True``: that is how the streams of a client that left come to their end.
    """
    router = Router(ROUTES)

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id.set(secrets.token_hex(6))
        try:
            route, call = _find(router, request)
            return await _run(engine, route, call)
        except NotModified:
            return web.Response(status=304)
        except web.HTTPRequestEntityTooLarge:
            return error_answer(413, f"request body too large: at most {BODY_LIMIT} bytes are read")
        except ApiError as error:
            return error_answer(error.status, error.message)
        except ConnectionError:
            return Hijacked()  # the client left in the middle of its answer: nobody is there to be told

    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:(?s:.*)}", handle)  # names may contain newlines, if only in bad requests
    app.on_response_prepare.append(_add_headers)
    return app


def error_answer(status: int, message: str) -> web.Response:
    """The API's error body. Source: definition ErrorResponse."""
    return answer({"message": message}, status)


def _find(router: Router, request: web.Request) -> tuple[Route, Call]:
    version, path = split_path(request.rel_url.raw_path)
    found = router.find(request.method, path)
    if found is None:
        raise NotFound("page not found")
    route, parts = found
    try:
        decoded = {name: unquote(part, errors="strict") for name, part in parts.items()}
    except UnicodeDecodeError:
        raise BadRequest("invalid path: it is not UTF-8") from None
    return route, Call(request, version, decoded)


async def _run(engine: Engine, route: Route, call: Call) -> web.StreamResponse:
    trace = trace_id(call.request.headers.get("traceparent", ""))
    logger.debug("%s %s", call.request.method, call.request.rel_url)
    with engine.traces.record(trace, f"{route.method} {route.path}") if trace else nullcontext():
        try:
            return await _carry(route.handler(engine, call), streams=route.streams)
        except (asyncio.CancelledError, ConnectionError, ApiError, NotModified, web.HTTPException):
            raise
        except Exception as error:
            raise as_answer(error) from error


async def _carry(work: Coroutine[Any, Any, web.StreamResponse], *, streams: bool) -> web.StreamResponse:
    """Streams end with their client; anything else is carried through even when the client is gone."""
    if streams:
        return await work
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_told_nobody)
        raise


def _told_nobody(task: asyncio.Task[web.StreamResponse]) -> None:
    """Who asked is gone, so what went wrong can only be written down."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception) and not isinstance(error, NotModified | ConnectionError | web.HTTPException):
        logger.info("the client left before it could be told: %s", as_answer(error).message)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
