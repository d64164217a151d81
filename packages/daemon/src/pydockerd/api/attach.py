"""Attaching to a container's standard streams. Source: operation ContainerAttach."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from pycontainerd import Container
from pycontainerd.containers.info import Status
from pycontainerd.tasks.attachment import Attachment
from pydockerd.api.call import Call, Route
from pydockerd.api.containers import find
from pydockerd.api.headers import headers
from pydockerd.api.hijack import Hijacked, hijack
from pydockerd.engine import Engine
from pydockerd.errors import Conflict
from pydockerd.streams.detach import parse_keys
from pydockerd.streams.frames import content_type
from pydockerd.streams.session import join


@frozen
class Opened:
    """A container's streams as a request asked for them. ``keys`` detach; None where there is no terminal to type them at."""

    attachment: Attachment
    container: Container
    stdin: bool
    keys: bytes | None


async def open_attachment(engine: Engine, call: Call) -> Opened:
    """Raises NotFound, BadRequest for keys that cannot be, Conflict while the container is paused."""
    container = find(engine, call)
    keys = parse_keys(call.text("detachKeys"))
    _check(container)
    stdin = call.flag("stdin") and container.config.open_stdin
    attachment = await container.attach(
        stdin=stdin,
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        logs=call.flag("logs"),
        stream=call.flag("stream"),
    )
    return Opened(attachment, container, stdin, keys if stdin and container.config.terminal else None)


async def attach(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerAttach: takes the connection over."""
    opened = await open_attachment(engine, call)
    terminal = opened.container.config.terminal
    async with (
        opened.attachment as attachment,
        hijack(call.request, content_type(call.version, terminal=terminal), headers(engine.settings)) as connection,
    ):
        await join(connection, attachment, multiplexed=not terminal, stdin=opened.stdin, keys=opened.keys)
    return Hijacked()


def _check(container: Container) -> None:
    if container.info().status is Status.PAUSED:
        raise Conflict(f"container {container.id} is paused, unpause the container before attach")


ROUTES = (Route("POST", "/containers/{id}/attach", attach, streams=True, follows=True),)
