"""The application: finds the operation of a request, asks whether it is allowed, runs it, and answers what goes wrong in the API's form."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from pydockerd.api.call import Call, Route, answer
from pydockerd.api.headers import REQUEST_ID, headers
from pydockerd.api.hijack import Hijacked, is_hijacked
from pydockerd.api.routes import ROUTES
from pydockerd.engine import Engine
from pydockerd.errors import ApiError, BadRequest, NotFound, NotModified, Unavailable
from pydockerd.faults import as_answer
from pydockerd.journal import fields, identify, request_id
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
        request_id.set(identify(request.headers.get(REQUEST_ID, "")))
        with engine.requests.serving():
            return await _served(engine, router, request)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers(engine.settings))

    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:(?s:.*)}", handle)  # names may contain newlines, if only in bad requests
    app.on_response_prepare.append(add_headers)
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


async def _served(engine: Engine, router: Router, request: web.Request) -> web.StreamResponse:
    started = time.monotonic()
    try:
        route, call = _find(router, request)
    except ApiError as error:
        return error_answer(error.status, error.message)
    response = await _answered(_allowed(engine, route, call))
    seconds = time.monotonic() - started
    engine.meter.answered(route.method, route.path, response.status, seconds)
    # without the query, which may hold what nobody else is to read
    about = fields(status=response.status, ms=f"{seconds * 1000:.2f}")
    logger.debug("%s %s", request.method, request.rel_url.raw_path, extra=about)
    if engine.requests.ending:
        response.force_close()
    return response


async def _answered(work: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
    """What the work answers, or what went wrong with it in the API's form."""
    try:
        return await work
    except NotModified:
        return web.Response(status=304)
    except web.HTTPRequestEntityTooLarge:
        # the API's document knows no 413
        return error_answer(400, f"request body too large: at most {BODY_LIMIT} bytes are read")
    except ApiError as error:
        return error_answer(error.status, error.message)
    except ConnectionError:
        return Hijacked()  # the client left in the middle of its answer: nobody is there to be told


async def _allowed(engine: Engine, route: Route, call: Call) -> web.StreamResponse:
    """Run it if nobody objects; what it has answered is shown to those who were asked, too, an error as well."""
    if not engine.gate:
        return await _run(engine, route, call)
    gate = engine.gate  # the same ones after as before, whatever is reloaded meanwhile
    secret = route.path == "/auth"  # by the operation: a volume may be called so
    question = await gate.question(call.request, secret=secret)
    await gate.before(question)
    response = await _answered(_run(engine, route, call))
    await gate.after(question, response)
    return response


async def _run(engine: Engine, route: Route, call: Call) -> web.StreamResponse:
    trace = trace_id(call.request.headers.get("traceparent", ""))
    with engine.traces.record(trace, f"{route.method} {route.path}") if trace else nullcontext():
        try:
            if route.follows:
                return await _follow(engine, call, route.handler(engine, call))
            return await _carry(route.handler(engine, call), streams=route.streams)
        except (asyncio.CancelledError, ConnectionError, ApiError, NotModified, web.HTTPException):
            raise
        except Exception as error:
            raise as_answer(error) from error


async def _follow(engine: Engine, call: Call, work: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
    """Until it ends, its client leaves or the daemon stops: then what was sent so far is the whole answer."""
    try:
        with engine.requests.following():
            return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not engine.requests.ending or task is None or call.request.transport is None:
            raise
        task.uncancel()
        if call.opened is not None:
            return call.opened
        if is_hijacked(call.request):
            return Hijacked()
        raise Unavailable("the daemon is shutting down") from None


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
    """Who asked is gone, so what went wrong can only be written down: the status, as a message may quote what was asked."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception) and not isinstance(error, NotModified | ConnectionError | web.HTTPException):
        said = as_answer(error)
        logger.info(
            "the client left before it could be told: %s", type(said).__name__, extra=fields(status=said.status)
        )
