"""Images: list, pull, push, import, load, save, tag, inspect, delete. Source: section Image of the Engine API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from pycontainerd import Credentials
from pycontainerd.errors import SupervisorError
from pycontainerd.images.image import Image
from pydockerd.api.call import Call, Route, answer, empty, encode, open_stream
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.faults import as_answer
from pydockerd.models.image import ImagesPruned, Progress, progress_error
from pydockerd.services import images as service
from pydockerd.services import registries
from pydockerd.views import image as views

_PIECE = 256 << 10


async def list_images(engine: Engine, call: Call) -> web.Response:
    """ImageList. Before 1.41 the parameter ``filter`` was a reference."""
    filters = call.filters(*service.FILTERS)
    if call.version < (1, 41) and call.text("filter"):
        filters = filters.and_also("reference", call.text("filter"))
    return answer(service.select(engine, filters, call.version))


async def create(engine: Engine, call: Call) -> web.StreamResponse:
    """ImageCreate: a pull (``fromImage``), or the import of a root file system (``fromSrc``)."""
    if name := call.text("fromImage"):
        reference = registries.wanted(name, call.text("tag"))
        return await _stream(call, registries.pull(engine, reference, call.text("platform"), _credentials(call)))
    source = call.text("fromSrc")
    if source != "-":
        raise BadRequest(f"invalid value for fromSrc: {source!r}: only - (the body of the request) is supported")
    image = await engine.supervisor.images.import_rootfs(
        _body(call),
        _reference(call.text("repo"), call.text("tag")),
        changes=call.texts("changes"),
        message=call.text("message") or "Imported from -",
    )
    return await _report(call, [Progress(status=image.id)])


async def push(engine: Engine, call: Call) -> web.StreamResponse:
    """ImagePush."""
    return await _stream(call, registries.push(engine, call.path("name"), call.text("tag"), _credentials(call)))


async def load(engine: Engine, call: Call) -> web.StreamResponse:
    """ImageLoad. Bad archives are told in the stream, as dockerd does."""
    try:
        images = await engine.supervisor.images.import_archive(_body(call), platform=call.text("platform") or None)
    except SupervisorError as error:
        return await _report(call, [progress_error(as_answer(error).message)])
    return await _report(call, _loaded(images))


async def inspect(engine: Engine, call: Call) -> web.Response:
    """ImageInspect."""
    image = engine.supervisor.images.get(call.path("name"))
    return answer(views.inspect(image, call.version, driver=engine.settings.storage_driver))


async def history(engine: Engine, call: Call) -> web.Response:
    """ImageHistory."""
    return answer(views.history(engine.supervisor.images.get(call.path("name"))))


async def attestations(engine: Engine, call: Call) -> web.Response:
    """ImageAttestations: what the store keeps of an image has none attached."""
    service.check_platform(engine.supervisor.images.get(call.path("name")), call.texts("platform"))
    return answer([])


async def tag(engine: Engine, call: Call) -> web.Response:
    """ImageTag."""
    target = _reference(call.text("repo"), call.text("tag"))
    if target is None:
        raise BadRequest("invalid value for repo: a name is needed")
    await engine.supervisor.images.tag(call.path("name"), target)
    return empty(201)


async def delete(engine: Engine, call: Call) -> web.Response:
    """ImageDelete."""
    removed = await engine.supervisor.images.remove(call.path("name"), force=call.flag("force"))
    return answer([views.deleted(item) for item in removed])


async def prune(engine: Engine, call: Call) -> web.Response:
    """ImagePrune."""
    deleted, reclaimed = await service.prune(engine, call.filters("dangling", "until", "label", "label!"))
    return answer(ImagesPruned(images_deleted=deleted or None, space_reclaimed=reclaimed))


async def save_one(engine: Engine, call: Call) -> web.StreamResponse:
    """ImageGet."""
    return await _save(engine, call, [call.path("name")])


async def save(engine: Engine, call: Call) -> web.StreamResponse:
    """ImageGetAll."""
    names = [name for value in call.texts("names") for name in value.split(",") if name]
    if not names:
        raise BadRequest("invalid value for names: name at least one image")
    return await _save(engine, call, names)


async def _save(engine: Engine, call: Call, names: list[str]) -> web.StreamResponse:
    for name in names:
        engine.supervisor.images.get(name)
    response = await open_stream(call, "application/x-tar")
    async for piece in engine.supervisor.images.export(names):
        await response.write(piece)
    return response


def _body(call: Call) -> AsyncIterator[bytes]:
    return call.request.content.iter_chunked(_PIECE)


def _reference(repo: str, tag: str) -> str | None:
    if not repo:
        return None
    return f"{repo}@{tag}" if ":" in tag else f"{repo}:{tag}" if tag else repo


def _loaded(images: Iterable[Image]) -> Iterable[Progress]:
    for image in images:
        for reference in image.references:
            yield Progress(stream=f"Loaded image: {reference}\n")
        if not image.references:
            yield Progress(stream=f"Loaded image ID: {image.id}\n")


def _credentials(call: Call) -> Credentials:
    return registries.credentials(call.request.headers.get("X-Registry-Auth", ""))


async def _stream(call: Call, messages: AsyncIterator[Progress]) -> web.StreamResponse:
    """What fails before the first message is the answer's status; afterwards, it is the last message.

    A client that leaves ends the work, also where a registry has nothing to say.
    """
    async with contextlib.aclosing(messages):  # type: ignore[type-var]
        first = await anext(messages)
        response = await open_stream(call)
        try:
            await response.write(encode(first))
            async for message in messages:
                await response.write(encode(message))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            await response.write(encode(progress_error(as_answer(error).message)))
    return response


async def _report(call: Call, lines: Iterable[Progress]) -> web.StreamResponse:
    response = await open_stream(call)
    for line in lines:
        await response.write(encode(line))
    return response


ROUTES = (
    Route("GET", "/images/json", list_images),
    Route("POST", "/images/create", create, streams=True),
    Route("GET", "/images/{name}/json", inspect),
    Route("GET", "/images/{name}/history", history),
    Route("GET", "/images/{name}/attestations", attestations),
    Route("POST", "/images/{name}/push", push, streams=True),
    Route("POST", "/images/{name}/tag", tag),
    Route("DELETE", "/images/{name}", delete),
    Route("POST", "/images/prune", prune),
    Route("GET", "/images/{name}/get", save_one, streams=True),
    Route("GET", "/images/get", save, streams=True),
    Route("POST", "/images/load", load),
)
