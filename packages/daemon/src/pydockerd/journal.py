"""The daemon's log: one line a record on standard error, ``key=value``, with the id of the request it belongs to."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime

from aiohttp.http_exceptions import HttpProcessingError

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; it flows into every task and thread that works for it."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}


class KeyValueFormatter(logging.Formatter):
    """dockerd's form: ``time="..." level=info msg="..."``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the message; a traceback follows as part of it."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        request = request_id.get()
        parts = [
            f'time="{moment}"',
            f"level={record.levelname.lower()}",
            f"msg={json.dumps(message)}",
            f"logger={record.name}",
        ]
        return " ".join([*parts, f"request={request}"] if request else parts)


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


def start(level: str) -> None:
    """Log from now on, at ``level`` and above; the libraries' debug messages stay out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.INFO))
    logging.getLogger("aiohttp.server").addFilter(tame)
    logging.getLogger("asyncio").addFilter(Sparing())
    for name in ("pydockerd", "pycontainerd", "pyrunc"):
        logging.getLogger(name).setLevel(LEVELS[level])
