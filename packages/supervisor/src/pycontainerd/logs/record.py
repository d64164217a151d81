"""One entry of a log."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

LogStream = Literal["stdout", "stderr"]


@frozen
class LogRecord:
    """``data`` ends with a newline unless the line is continued in the next record (16 KiB pieces) or the output ended so.

    ``time_ns`` is CLOCK_REALTIME when the supervisor read it, in nanoseconds.
    """

    time_ns: int
    stream: LogStream
    data: bytes
