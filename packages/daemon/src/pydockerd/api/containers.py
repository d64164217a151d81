"""Containers: list, create, and every verb of their lives. Source: section Container of the Engine API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from pycontainerd import Container
from pycontainerd.errors import AlreadyRunning, NotRunning
from pycontainerd.tasks.waiters import WaitCondition
from pydockerd.api.call import Call, Route, answer, answer_made, empty, encode, open_stream
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, Conflict, NotModified, NotServed
from pydockerd.host.ps import DEFAULT, ps
from pydockerd.models.container import Created, Pruned, Updated, Waited, WaitError
from pydockerd.models.create import CreateRequest
from pydockerd.models.host_config import HostConfig
from pydockerd.names import check_name
from pydockerd.services import containers as service
from pydockerd.services.statistics import readings
from pydockerd.streams.frames import content_type
from pydockerd.streams.logs import LogFormat, copies_frames
from pydockerd.times import moment_ns
from pydockerd.views import container as views
from pydockerd.views.selection import FILTERS
from pydockerd.views.top import top as top_view

CONDITIONS: Final[tuple[WaitCondition, ...]] = ("not-running", "next-exit", "removed")


def find(engine: Engine, call: Call) -> Container:
    """The container of the path."""
    return engine.supervisor.containers.get(call.path("id").removeprefix("/"))


async def list_containers(engine: Engine, call: Call) -> web.Response:
    """ContainerList."""
    picked = await service.select(
        engine,
        call.filters(*FILTERS),
        all=call.flag("all"),
        limit=call.integer("limit", 0),
        size=call.flag("size"),
    )
    now = datetime.now(UTC)
    health = call.version >= (1, 52)
    return await answer_made(lambda: engine.summaries.document(picked, now, health=health))


async def create(engine: Engine, call: Call) -> web.Response:
    """ContainerCreate."""
    name = call.text("name")
    wanted = check_name(name) if name else None
    request = CreateRequest.parse(await call.json())
    container, warnings = await service.create(engine, request, wanted)
    return answer(Created(id=container.id, warnings=warnings), 201)


async def inspect(engine: Engine, call: Call) -> web.Response:
    """ContainerInspect."""
    facts = await service.facts(engine, find(engine, call), size=call.flag("size"))
    return answer(views.inspect(facts))


async def top(engine: Engine, call: Call) -> web.Response:
    """ContainerTop."""
    processes = await find(engine, call).top()
    arguments = call.text("ps_args", DEFAULT) or DEFAULT
    if arguments != DEFAULT:
        return answer(await ps(arguments, {process.pid for process in processes}))
    return answer(top_view(processes, datetime.now(UTC)))


async def logs(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerLogs."""
    container = find(engine, call)
    stdout, stderr = call.flag("stdout"), call.flag("stderr")
    if not (stdout or stderr):
        raise BadRequest("Bad parameters: you must choose at least one stream")
    if container.config.log.driver == "none":
        raise NotServed("configured logging driver does not support reading")
    tail = call.text("tail", "all")
    terminal = container.config.terminal
    form = LogFormat(
        multiplexed=not terminal,
        large_frames=copies_frames(call.request.headers.get(hdrs.USER_AGENT, "")),
        timestamps=call.flag("timestamps"),
        details=call.flag("details"),
    )
    blocks = container.log_blocks(
        form.render,
        follow=call.flag("follow"),
        since_ns=moment_ns("since", call.text("since")) or None,
        until_ns=moment_ns("until", call.text("until")) or None,
        tail=int(tail) if tail.isascii() and tail.isdigit() else None,
        stdout=stdout,
        stderr=stderr,
    )
    response = await open_stream(call, content_type(call.version, terminal=terminal))
    async for block in blocks:
        await response.write(block)
    return response


async def stats(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerStats."""
    container = find(engine, call)
    stream = call.flag("stream", default=True)
    response = await open_stream(call)
    async for document in readings(container, stream=stream, one_shot=call.flag("one-shot")):
        await response.write(encode(document))
    return response


async def resize(engine: Engine, call: Call) -> web.Response:
    """ContainerResize."""
    rows, columns = call.integer("h"), call.integer("w")
    await find(engine, call).resize(rows, columns)
    return empty(200)


async def start(engine: Engine, call: Call) -> web.Response:
    """ContainerStart."""
    container = find(engine, call)
    try:
        await service.start(engine, container)
    except AlreadyRunning:
        raise NotModified from None
    return empty()


async def stop(engine: Engine, call: Call) -> web.Response:
    """ContainerStop."""
    container = find(engine, call)
    try:
        await container.stop(_timeout(call), call.text("signal") or None)
    except NotRunning:
        raise NotModified from None
    return empty()


async def restart(engine: Engine, call: Call) -> web.Response:
    """ContainerRestart."""
    await find(engine, call).restart(_timeout(call), call.text("signal") or None)
    return empty()


async def kill(engine: Engine, call: Call) -> web.Response:
    """ContainerKill."""
    container = find(engine, call)
    try:
        await container.kill(call.text("signal") or "KILL")
    except NotRunning:
        raise Conflict(f"cannot kill container: {call.path('id')}: container {container.id} is not running") from None
    return empty()


async def rename(engine: Engine, call: Call) -> web.Response:
    """ContainerRename."""
    container = find(engine, call)
    name = call.text("name")
    if not name.removeprefix("/"):
        raise BadRequest("Neither old nor new names may be empty")
    await service.rename(engine, container, check_name(name))
    return empty()


async def update(engine: Engine, call: Call) -> web.Response:
    """ContainerUpdate."""
    container = find(engine, call)
    await service.update(engine, container, await call.body(HostConfig))
    return answer(Updated())


async def pause(engine: Engine, call: Call) -> web.Response:
    """ContainerPause."""
    await find(engine, call).pause()
    return empty()


async def unpause(engine: Engine, call: Call) -> web.Response:
    """ContainerUnpause."""
    await find(engine, call).resume()
    return empty()


async def wait(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerWait: the head is sent once the wait is in force, because clients start the container when they have it."""
    container = find(engine, call)
    condition = _condition(call.text("condition") or "not-running")
    ended = container.waiter(condition)
    response = await open_stream(call)
    try:
        status = await ended
    except asyncio.CancelledError:
        ended.cancel()
        raise
    # whoever waits for the removal has the error of the start already, from the start
    error = WaitError(message=status.error) if status.error and condition != "removed" else None
    await response.write(encode(Waited(status_code=status.code, error=error)))
    return response


async def delete(engine: Engine, call: Call) -> web.Response:
    """ContainerDelete."""
    if call.flag("link"):
        raise NotServed("links are not implemented by pydockerd")
    await service.remove(engine, find(engine, call), force=call.flag("force"), volumes=call.flag("v"))
    return empty()


async def prune(engine: Engine, call: Call) -> web.Response:
    """ContainerPrune."""
    deleted, reclaimed = await service.prune(engine, call.filters("until", "label", "label!"))
    return answer(Pruned(containers_deleted=deleted, space_reclaimed=reclaimed))


def _condition(text: str) -> WaitCondition:
    for condition in CONDITIONS:
        if text == condition:
            return condition
    raise BadRequest(f'invalid condition: "{text}"')


def _timeout(call: Call) -> float | None:
    """Seconds to wait before the kill; None when it is not said, negative for ever."""
    return float(call.integer("t")) if call.text("t") else None


ROUTES = (
    Route("GET", "/containers/json", list_containers),
    Route("POST", "/containers/create", create),
    Route("GET", "/containers/{id}/json", inspect),
    Route("GET", "/containers/{id}/top", top),
    Route("GET", "/containers/{id}/logs", logs, streams=True, follows=True),
    Route("GET", "/containers/{id}/stats", stats, streams=True, follows=True),
    Route("POST", "/containers/{id}/resize", resize),
    Route("POST", "/containers/{id}/start", start),
    Route("POST", "/containers/{id}/stop", stop),
    Route("POST", "/containers/{id}/restart", restart),
    Route("POST", "/containers/{id}/kill", kill),
    Route("POST", "/containers/{id}/rename", rename),
    Route("POST", "/containers/{id}/update", update),
    Route("POST", "/containers/{id}/pause", pause),
    Route("POST", "/containers/{id}/unpause", unpause),
    Route("POST", "/containers/{id}/wait", wait, streams=True, follows=True),
    Route("DELETE", "/containers/{id}", delete),
    Route("POST", "/containers/prune", prune),
)
