"""Log records as the bytes of ``GET /containers/{id}/logs``.

A block of log becomes one piece of bytes, in the thread that has read it; headers and data are put side by side by functions of C.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote_plus

from attrs import frozen

from pycontainerd.logs.record import LogBatch
from pydockerd.streams.frames import StreamName, header


class _Headers(dict[int, bytes]):
    """The header for each length of data, made once."""

    def __init__(self, stream: StreamName) -> None:
        super().__init__()
        self._stream = stream

    def __missing__(self, length: int) -> bytes:
        made = header(self._stream, length)
        if length <= _REMEMBERED:
            self[length] = made
        return made


_REMEMBERED = 20 << 10
_HEADERS: dict[StreamName, _Headers] = {"stdout": _Headers("stdout"), "stderr": _Headers("stderr")}


@frozen(kw_only=True)
class LogFormat:
    """``details`` puts the labels and variables of the log options before each record, or a blank where there are none, as docker does.

    Each record has a frame of its own, as dockerd sends them, and as libraries hand them to programs that take a frame for a line. With
    ``large_frames`` records that follow each other share one: for clients that only copy what is in the frames, many times as fast.
    """

    multiplexed: bool
    large_frames: bool = False
    timestamps: bool = False
    details: bool = False

    def render(self, batches: list[LogBatch]) -> bytes:
        """All records, each with its header if the container has no terminal."""
        return b"".join([self._batch(batch) for batch in batches])

    def _batch(self, batch: LogBatch) -> bytes:
        if not (self.timestamps or self.details or (self.multiplexed and not self.large_frames)):
            return self._framed(batch.stream, [batch.data])
        pieces = batch.pieces()
        if self.details:
            prefix = _details(batch).encode() + b" "
            pieces = [prefix + piece for piece in pieces]
        if self.timestamps:
            pieces = [b"%b %b" % stamped for stamped in zip(batch.stamps(), pieces, strict=False)]
        return self._framed(batch.stream, [b"".join(pieces)] if self.large_frames else pieces)

    def _framed(self, stream: StreamName, pieces: list[bytes]) -> bytes:
        return _framed(_HEADERS[stream], pieces) if self.multiplexed else b"".join(pieces)


def copies_frames(user_agent: str) -> bool:
    """Whether a client is known to show the same however its output is framed: the docker CLI, and ours."""
    return user_agent.startswith(("Docker-Client/", "pyctl/"))


def _framed(headers: _Headers, pieces: list[bytes]) -> bytes:
    parts = [b""] * (2 * len(pieces))
    parts[0::2] = map(headers.__getitem__, map(len, pieces))
    parts[1::2] = pieces
    return b"".join(parts)


def _details(batch: LogBatch) -> str:
    """``name=value`` by commas, in the order of the names, escaped as in a URL."""
    told: Iterable[tuple[str, str]] = sorted(batch.attributes.items())
    return ",".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in told)
