"""Log records as the bytes of ``GET /containers/{id}/logs``."""

from __future__ import annotations

from attrs import frozen

from pycontainerd.logs.record import LogRecord
from pydockerd.streams.frames import frame
from pydockerd.times import nanosecond_text


@frozen(kw_only=True)
class LogFormat:
    """``details`` would be the log options' labels; there are none, and docker then still sends a blank."""

    multiplexed: bool
    timestamps: bool = False
    details: bool = False

    def encode(self, record: LogRecord) -> bytes:
        """One record, framed if the container has no terminal."""
        data = b" " + record.data if self.details else record.data
        if self.timestamps:
            data = nanosecond_text(record.time_ns).encode() + b" " + data
        return frame(record.stream, data) if self.multiplexed else data
