"""One request as a handler sees it: typed parameters, a decoded body, and how to answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

from aiohttp import hdrs, web

from pydockerd.engine import Engine
from pydockerd.errors import BadRequest
from pydockerd.filters import Filters
from pydockerd.models.wire import dump, read
from pydockerd.versions import ApiVersion

T = TypeVar("T")

_FALSE = frozenset({"", "0", "no", "false", "none"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Call:
    """A request, its API version and the parameters of its path. Every getter raises BadRequest naming the parameter."""

    def __init__(self, request: web.Request, version: ApiVersion, path: Mapping[str, str]) -> None:
        self.request = request
        self.version = version
        self._path = path
        self.opened: web.StreamResponse | None = None
        """The answer whose head is sent and whose body comes in pieces."""

    def path(self, name: str) -> str:
        """A part of the path, decoded."""
        return self._path[name]

    def text(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.request.query.get(name, default)

    def texts(self, name: str) -> list[str]:
        """A query parameter that may be repeated."""
        return self.request.query.getall(name, [])

    def flag(self, name: str, default: bool = False) -> bool:
        """A query parameter that is true unless it says no: docker's rule."""
        value = self.request.query.get(name)
        return default if value is None else value.strip().lower() not in _FALSE

    def integer(self, name: str, default: int | None = None) -> int:
        """A query parameter that is a number; required without a default."""
        value = self.request.query.get(name, "")
        if value == "" and default is not None:
            return default
        if not _INTEGER.fullmatch(value):
            raise BadRequest(f"invalid value for {name}: expected an integer, got {json.dumps(value)}")
        return int(value)

    def filters(self, *allowed: str) -> Filters:
        """The ``filters`` parameter, of which only ``allowed`` may be used."""
        return Filters.parse(self.text("filters")).allow(allowed)

    async def json(self, *, required: bool = True) -> Any:
        """The decoded body; None when it is empty and not required."""
        content = await self.request.read()
        if not content.strip():
            if required:
                raise BadRequest("invalid JSON: got EOF while reading request body")
            return None
        self._check_content_type()
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"invalid JSON: {error}") from None

    async def body(self, model: type[T]) -> T:
        """The body as ``model``; an empty one is the model's defaults."""
        decoded = await self.json(required=False)
        return read(model, {} if decoded is None else decoded)

    def _check_content_type(self) -> None:
        said = self.request.headers.get(hdrs.CONTENT_TYPE, "")
        if self.request.content_type != "application/json":
            raise BadRequest(f"unsupported Content-Type header ({said}): must be 'application/json'")


class Route(NamedTuple):
    """One operation: where it is, who does it, and whether it is a stream, which ends as soon as its client leaves.

    What is not a stream is carried through to its end whatever the client does: half a start is worse than an unread answer.
    A stream that ``follows`` has no end of its own; it is given one when the daemon stops.
    """

    method: str
    path: str
    handler: Callable[[Engine, Call], Coroutine[Any, Any, web.StreamResponse]]
    streams: bool = False
    follows: bool = False


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON answer from models, or anything built of them."""
    return web.Response(body=encode(value), status=status, content_type="application/json")


async def answer_made(make: Callable[[], bytes]) -> web.Response:
    """JSON that takes long to make, such as a list of thousands: it is made in a thread, so that others are answered meanwhile."""
    return web.Response(body=await asyncio.to_thread(make), content_type="application/json")


def encode(value: Any) -> bytes:
    """JSON as dockerd writes it: compact, with a newline at the end."""
    return json.dumps(dump(value), separators=(",", ":")).encode() + b"\n"


def empty(status: int = 204) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)


async def open_stream(call: Call, content_type: str = "application/json") -> web.StreamResponse:
    """Send the head of an answer whose body comes in pieces."""
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: content_type})
    await response.prepare(call.request)
    call.opened = response
    return response
