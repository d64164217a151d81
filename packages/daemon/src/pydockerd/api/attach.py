"""Attaching to a container's standard streams. Source: operation ContainerAttach."""

from __future__ import annotations

from aiohttp import web

from pycontainerd import Container
from pycontainerd.containers.info import Status
from pydockerd.api.call import Call, Route
from pydockerd.api.containers import find
from pydockerd.api.headers import HEADERS
from pydockerd.api.hijack import Hijacked, hijack
from pydockerd.engine import Engine
from pydockerd.errors import Conflict
from pydockerd.streams.detach import parse_keys
from pydockerd.streams.frames import content_type
from pydockerd.streams.session import join


async def attach(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerAttach: takes the connection over."""
    container = find(engine, call)
    keys = parse_keys(call.text("detachKeys"))
    _check(container)
    config = container.config
    stdin = call.flag("stdin") and config.open_stdin
    attachment = await container.attach(
        stdin=stdin,
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        logs=call.flag("logs"),
        stream=call.flag("stream"),
    )
    async with (
        attachment,
        hijack(call.request, content_type(call.version, terminal=config.terminal), HEADERS) as connection,
    ):
        await join(
            connection,
            attachment,
            multiplexed=not config.terminal,
            stdin=stdin,
            keys=keys if stdin and config.terminal else None,
        )
    return Hijacked()


def _check(container: Container) -> None:
    if container.info().status is Status.PAUSED:
        raise Conflict(f"container {container.id} is paused, unpause the container before attach")


ROUTES = (Route("POST", "/containers/{id}/attach", attach, streams=True),)
