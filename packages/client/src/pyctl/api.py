"""The Engine API's manners, common to all resources: version prefix, JSON, error bodies, trace header, upgrade.

`Api` knows how to ask; which paths there are is the business of `pyctl.resources`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from urllib.parse import urlencode

from pyctl.errors import MalformedAnswer, UnsupportedVersion, api_error
from pyctl.hijack import Hijacked
from pyctl.models.fields import Json
from pyctl.models.system import Ping
from pyctl.tracing import NO_TRACE, Tracer
from pyctl.transport import Body, Response, Transport
from pyctl.version import NEWEST_API, OLDEST_API, __version__, negotiate

Params = Mapping[str, str | int | bool | list[str] | None]
"""A query: None and False are left out, True is 1, a list repeats the key."""


class Api:
    """Requests to one daemon. Raises the tree of `pyctl.errors` and nothing else."""

    def __init__(self, transport: Transport, version: str | None = None, tracer: Tracer = NO_TRACE) -> None:
        self._transport = transport
        self._version = version
        self._tracer = tracer

    @property
    def version(self) -> str:
        """The API version that is spoken, negotiated with a ping at first use."""
        if self._version is None:
            offered = self.ping().api_version
            try:
                self._version = negotiate(offered)
            except ValueError:
                raise UnsupportedVersion(
                    f"the daemon speaks Engine API {offered}, this client {OLDEST_API} to {NEWEST_API}: update the daemon"
                ) from None
        return self._version

    def ping(self) -> Ping:
        """GET /_ping. It has no version prefix, so it is what negotiation starts with."""
        with self._timed("GET", "/_ping"):
            response = self._transport.request("GET", "/_ping", self._headers(), None)
            headers = response.headers
            self._check(response).read()
        return Ping(api_version=headers.get("Api-Version", ""), os_type=headers.get("Ostype", ""))

    def open(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        body: Body = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request and return the answer when its headers are there; an error status is raised."""
        full_path = self._full(path, params)
        with self._timed(method, path):
            headers = {**self._headers(), **(headers or {}), **({"Content-Type": content_type} if content_type else {})}
            return self._check(self._transport.request(method, full_path, headers, body))

    def call(self, method: str, path: str, params: Params | None = None, body: Json = None) -> bytes:
        """Send a request with a JSON body (or none) and return the whole answer."""
        data = None if body is None else json.dumps(body).encode()
        full_path = self._full(path, params)
        with self._timed(method, path):
            headers = self._headers() | ({"Content-Type": "application/json"} if data else {})
            return self._check(self._transport.request(method, full_path, headers, data)).read()

    def get(self, path: str, params: Params | None = None) -> Json:
        """GET a JSON document."""
        return parse_json(self.call("GET", path, params), path)

    def hijack(self, path: str, params: Params | None = None, body: Json = None) -> Hijacked:
        """POST and take the connection over."""
        data = b"" if body is None else json.dumps(body).encode()
        full_path = self._full(path, params)
        with self._timed("POST", path):
            headers = self._headers() | {"Content-Type": "application/json" if data else "text/plain"}
            answer = self._transport.hijack(full_path, headers, data)
        if isinstance(answer, Hijacked):
            return answer
        status = self._check(answer).status
        raise MalformedAnswer(f"POST {path}: the daemon answered {status} and does not hand the connection over")

    def close(self) -> None:
        """Release the transport."""
        self._transport.close()

    def interrupt(self) -> None:
        """End what is being read, from another thread."""
        self._transport.interrupt()

    def _full(self, path: str, params: Params | None) -> str:
        query = _query(params or {})
        return f"/v{self.version}{path}" + (f"?{query}" if query else "")

    def _headers(self) -> dict[str, str]:
        return {"User-Agent": f"pyctl/{__version__}", **self._tracer.headers()}

    def _timed(self, method: str, path: str) -> AbstractContextManager[None]:
        return self._tracer.span("rest", f"{method} {path}")

    def _check(self, response: Response) -> Response:
        if response.status < 400:
            return response
        raise api_error(response.status, _error_text(response.read(), response.status))


def parse_json(data: bytes, where: str) -> Json:
    """Parse a JSON answer; raises `MalformedAnswer`."""
    try:
        document: Json = json.loads(data)
    except ValueError as error:
        raise MalformedAnswer(f"{where}: the answer is no JSON: {error}") from error
    return document


def json_lines(response: Response, where: str) -> Iterator[Json]:
    """Yield the JSON documents of a stream, one a line (the daemon may leave the last newline out)."""
    rest = b""
    for chunk in response.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (parse_json(line, where) for line in lines if line.strip())
    if rest.strip():
        yield parse_json(rest, where)


def filters_param(filters: Mapping[str, list[str]] | None) -> str | None:
    """Encode filters as the API's ``map[string][]string`` JSON; None when there are none."""
    return json.dumps({name: list(values) for name, values in filters.items()}) if filters else None


def _query(params: Params) -> str:
    pairs = []
    for name, value in params.items():
        if value is None or value is False:
            continue
        values = value if isinstance(value, list) else [1 if value is True else value]
        pairs += [(name, item) for item in values]
    return urlencode(pairs)


def _error_text(body: bytes, status: int) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return body.decode(errors="replace").strip() or f"status {status} without a message"
    message = document.get("message") if isinstance(document, dict) else None
    return str(message or f"status {status} without a message")
