"""The daemon itself: ping, version, info, events, disk usage. Source: section System of the Engine API."""

from __future__ import annotations

import contextlib

from aiohttp import hdrs, web

from pydockerd.api.call import Call, Route, answer, encode, open_stream
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, NotFound
from pydockerd.services import disk, system
from pydockerd.services.events import events as matching_events
from pydockerd.times import moment_ns
from pydockerd.views.events import FILTERS, message


async def ping(engine: Engine, call: Call) -> web.Response:
    """SystemPing and SystemPingHead; the versions are in the headers."""
    return web.Response(
        text="" if call.request.method == "HEAD" else "OK",
        headers={hdrs.CACHE_CONTROL: "no-cache, no-store, must-revalidate", hdrs.PRAGMA: "no-cache"},
    )


async def version(engine: Engine, call: Call) -> web.Response:
    """SystemVersion."""
    return answer(system.version(engine))


async def info(engine: Engine, call: Call) -> web.Response:
    """SystemInfo."""
    return answer(system.info(engine))


async def events(engine: Engine, call: Call) -> web.StreamResponse:
    """SystemEvents: the head is sent once the subscription is in force."""
    filters = call.filters(*FILTERS)
    since, until = moment_ns("since", call.text("since")), moment_ns("until", call.text("until"))
    if since is not None and until is not None and since > until:
        raise BadRequest(f"`since` time ({since}) cannot be after `until` time ({until})")
    async with contextlib.aclosing(matching_events(engine, filters, since_ns=since, until_ns=until)) as found:
        response = await open_stream(call)
        async for event in found:
            await response.write(encode(message(event, call.version)))
    return response


async def disk_usage(engine: Engine, call: Call) -> web.Response:
    """SystemDataUsage."""
    kinds, verbose = set(call.texts("type")), call.flag("verbose")
    return answer(await disk.usage(engine, kinds, old_form=call.version < (1, 52), verbose=verbose))


async def trace(engine: Engine, call: Call) -> web.Response:
    """Our own: the spans of a trace. Times are nanoseconds of CLOCK_MONOTONIC."""
    spans = engine.traces.get(call.path("trace_id"))
    if spans is None:
        raise NotFound(f"No such trace: {call.path('trace_id')}")
    return answer(
        {"spans": [{"layer": s.layer, "name": s.name, "start_ns": s.start_ns, "end_ns": s.end_ns} for s in spans]}
    )


ROUTES = (
    Route("GET", "/info", info),
    Route("GET", "/version", version),
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping),
    Route("GET", "/events", events, streams=True, follows=True),
    Route("GET", "/system/df", disk_usage),
    Route("GET", "/pydockerd/traces/{trace_id}", trace),
)
