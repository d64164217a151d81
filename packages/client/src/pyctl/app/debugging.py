"""``--debug``: each request to the daemon and how it was answered, on standard error; secrets are left out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pyctl.hijack import Hijacked
from pyctl.models.fields import Json
from pyctl.transport import Body, Response, Transport

Tell = Callable[[str], None]
_SECRET: Final = frozenset({"password", "identitytoken", "registrytoken", "auth"})
_LONGEST: Final = 1000
_HIDDEN: Final = "(hidden)"


class TellingTransport:
    """A transport that says what it does; the work is another's (`pyctl.transport.Transport`)."""

    def __init__(self, inner: Transport, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Response:
        with self._told(method, path, headers, body) as answered:
            answer = self._inner.request(method, path, headers, body)
            answered(answer)
        return answer

    def hijack(self, path: str, headers: Mapping[str, str], body: bytes) -> Hijacked | Response:
        with self._told("POST", path, headers, body) as answered:
            answer = self._inner.hijack(path, headers, body)
            answered(answer)
        return answer

    def close(self) -> None:
        self._inner.close()

    def interrupt(self) -> None:
        self._inner.interrupt()

    @contextmanager
    def _told(
        self, method: str, path: str, headers: Mapping[str, str], body: Body
    ) -> Iterator[Callable[[Hijacked | Response], None]]:
        extra = f" X-Registry-Auth: {_HIDDEN}" if "X-Registry-Auth" in headers else ""
        self._tell(f"DEBUG: {method} {path}{extra}{_shown(body)}")
        begun = time.monotonic()

        def answered(answer: Hijacked | Response) -> None:
            status = "101, a stream" if isinstance(answer, Hijacked) else str(answer.status)
            self._tell(f"DEBUG: {status} after {(time.monotonic() - begun) * 1000:.1f} ms")

        yield answered


def _shown(body: Body) -> str:
    if not body:
        return ""
    if not isinstance(body, bytes):
        return " (a stream)"
    try:
        text = json.dumps(_redacted(json.loads(body)), ensure_ascii=False)
    except ValueError:
        return f" ({len(body)} bytes)"
    return f" {text}" if len(text) <= _LONGEST else f" {text[:_LONGEST]}…"


def _redacted(value: Json) -> Json:
    """Without what is secret by its name, and without empty things, which say nothing."""
    match value:
        case dict():
            return {
                key: _HIDDEN if key.lower() in _SECRET else _redacted(item)
                for key, item in value.items()
                if item not in (None, "", [], {}, False)
            }
        case list():
            return [_redacted(item) for item in value]
        case _:
            return value
