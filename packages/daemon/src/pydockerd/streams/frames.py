"""The multiplexed stream of the Engine API: 8 bytes of header before each piece of output.

Source: "Stream format" of the operation ContainerAttach: one byte of stream (1 stdout, 2 stderr), three zeros, the length as a big-endian
32-bit number. A process with a terminal has one stream only, sent raw.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

from pydockerd.versions import ApiVersion

StreamName = Literal["stdout", "stderr"]

RAW: Final = "application/vnd.docker.raw-stream"
MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"

_NUMBERS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}
_HEADER: Final = struct.Struct(">BxxxL")


def frame(stream: StreamName, data: bytes) -> bytes:
    """``data`` with its header."""
    return header(stream, len(data)) + data


def header(stream: StreamName, length: int) -> bytes:
    """What comes before ``length`` bytes of data."""
    return _HEADER.pack(_NUMBERS[stream], length)


def content_type(version: ApiVersion, *, terminal: bool) -> str:
    """How the stream is labelled: before 1.42 everything was called raw."""
    return MULTIPLEXED if not terminal and version >= (1, 42) else RAW
