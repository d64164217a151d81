"""The daemon's log on standard error: one line a record, as ``key=value`` or as JSON, with the id of the request that it belongs to.

That id is a context variable, and so goes into every task and thread that works for the request: what the supervisor and the runtime log meanwhile has
it, too. At the level ``debug`` each of their steps (:mod:`pycontainerd.tracing`) is a line.

What clients send stays out of it but for methods, paths and ids: bodies, headers and the values of parameters may be somebody's secrets.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp.http_exceptions import HttpProcessingError

from pycontainerd.tracing import Span, observe

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; it flows into every task and thread that works for it."""

LEVELS: Final[Mapping[str, int]] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "panic": logging.CRITICAL,
}

_OURS: Final = ("pydockerd", "pycontainerd", "pyrunc")
_LAYERS: Final[Mapping[str, str]] = {"daemon": "pydockerd", "supervisor": "pycontainerd", "runtime": "pyrunc"}
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/@%+-]+")


def identify(said: str) -> str:
    """The id for a request whose client calls it ``said``: that, if it can stand in a line, or one of our own."""
    return said if _ID.fullmatch(said) else secrets.token_hex(6)


def fields(**values: Any) -> dict[str, Any]:
    """``logger.info("...", extra=fields(status=200))``: values with names of their own in the line."""
    return {"fields": values}


class TextFormatter(logging.Formatter):
    """dockerd's form: ``time="..." level=info msg="..."``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the message; a traceback follows as part of it."""
        return " ".join(f"{name}={_quoted(name, value)}" for name, value in _parts(self, record))


class JsonFormatter(logging.Formatter):
    """dockerd's other form: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The same parts by the same names."""
        return json.dumps(dict(_parts(self, record)), default=str)


def _parts(formatter: logging.Formatter, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    message = record.getMessage()
    if record.exc_info:
        message += "\n" + formatter.formatException(record.exc_info)
    yield "time", moment
    yield "level", record.levelname.lower()
    yield "msg", message
    yield "logger", record.name
    if request := request_id.get():
        yield "request", request
    yield from getattr(record, "fields", {}).items()


def _quoted(name: str, value: Any) -> str:
    text = str(value)
    return text if name not in ("time", "msg") and _PLAIN.fullmatch(text) else json.dumps(text)


class _Steps:
    """The steps of the layers as lines of their own, or not."""

    def __init__(self) -> None:
        self._end: Callable[[], None] | None = None

    def tell(self, *, wanted: bool) -> None:
        if wanted and self._end is None:
            self._end = observe(self._told)
        elif not wanted and self._end is not None:
            self._end()
            self._end = None

    @staticmethod
    def _told(span: Span) -> None:
        about = fields(ms=f"{span.milliseconds:.2f}")
        logging.getLogger(_LAYERS.get(span.layer, "pydockerd")).debug("%s", span.name, extra=about)


_steps = _Steps()


def tame(record: logging.LogRecord) -> bool:
    """A filter of aiohttp's own records: what is no HTTP is its client's fault, told in one short line and not by a traceback that shows
    all of what the client has sent."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = None
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "a client sent what is not HTTP: %s", (type(error).__name__,)
    return True


class Sparing(logging.Filter):
    """A filter of asyncio's own records: while no more files may be opened, it tells of each connection that has to wait, a hundred times a
    second and with a traceback; one line in ten seconds says as much."""

    _ACCEPT = "socket.accept() out of system resource"
    _SECONDS = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told."""
        if not str(record.msg).startswith(self._ACCEPT):
            return True
        now = time.monotonic()
        told = now >= self._next
        if told:
            self._next = now + self._SECONDS
            record.exc_info = None
            record.msg, record.args = "connections have to wait: too many files are open (ulimit -n)", ()
        return told


def start(level: str, form: str = "text") -> None:
    """Log from now on, at ``level`` and above; the libraries' debug messages stay out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("aiohttp.server").addFilter(tame)
    logging.getLogger("asyncio").addFilter(Sparing())
    set_level(level)


def set_level(level: str) -> None:
    """Another level from now on."""
    logging.getLogger().setLevel(max(LEVELS[level], logging.INFO))
    for name in _OURS:
        logging.getLogger(name).setLevel(LEVELS[level])
    _steps.tell(wanted=LEVELS[level] <= logging.DEBUG)
