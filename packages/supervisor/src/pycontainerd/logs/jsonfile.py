"""The json-file format: one JSON object a line, as docker writes and reads it.

``{"log":"text\\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}``. Bytes that are not UTF-8 become U+FFFD, as docker's do.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from pycontainerd.logs.record import LogRecord, LogStream

_NEEDS_ESCAPE = re.compile(rb"[^\n\x20\x21\x23-\x5b\x5d-\x7e]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def encode(stream: LogStream, pieces: Iterable[bytes], time_ns: int) -> bytes:
    """The lines of the file for ``pieces`` that were read at ``time_ns``."""
    head, tail = '{"log":', f',"stream":"{stream}","time":"{format_time(time_ns)}"}}\n'
    return "".join(f"{head}{_quote(piece)}{tail}" for piece in pieces).encode()


def _quote(piece: bytes) -> str:
    if _NEEDS_ESCAPE.search(piece) is None:  # most lines of most logs
        return '"' + piece.decode("ascii").replace("\n", "\\n") + '"'
    return json.dumps(piece.decode("utf-8", "replace"), ensure_ascii=False)


def decode(line: bytes) -> LogRecord | None:
    """The record in a line of the file, or None where it is damaged (a host that lost power in the middle of a write)."""
    try:
        entry = json.loads(line)
        text, stream, when = entry["log"], entry["stream"], parse_time(entry["time"])
    except (ValueError, KeyError, TypeError):
        return None
    return LogRecord(when, "stderr" if stream == "stderr" else "stdout", text.encode("utf-8", "surrogatepass"))


def format_time(time_ns: int) -> str:
    """RFC 3339 in UTC with nine digits of nanoseconds."""
    seconds, nanos = divmod(time_ns, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09d}Z"


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 time. ValueError when it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    whole, fraction, zone = match.groups()
    moment = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone)).astimezone(UTC)
    return int(moment.timestamp()) * 10**9 + int((fraction or "0").ljust(9, "0"))
