"""Layers come plain, as gzip, or as zstd; the first bytes tell which, whatever the media type says."""

from __future__ import annotations

import gzip
import zlib
from typing import IO, Final, cast

import zstandard
from isal import igzip, isal_zlib

_ISAL = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance
DAMAGED: Final = (EOFError, zlib.error, _ISAL, zstandard.ZstdError, gzip.BadGzipFile)
"""What reading a stream of ``decompressed`` raises when it is damaged or ends too early."""


def is_compressed(source: IO[bytes]) -> bool:
    """Whether ``decompressed`` would have something to do. ``source`` stays where it is, and must be seekable."""
    return _magic(source)[:2] == b"\x1f\x8b" or _magic(source) == b"\x28\xb5\x2f\xfd"


def decompressed(source: IO[bytes]) -> IO[bytes]:
    """A stream of the plain bytes, to be read once from start to end. ``source`` must be seekable. Errors: ``DAMAGED``."""
    magic = _magic(source)
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", igzip.IGzipFile(fileobj=source, mode="rb"))  # type: ignore[no-untyped-call]
    if magic == b"\x28\xb5\x2f\xfd":
        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))
    return source


def _magic(source: IO[bytes]) -> bytes:
    start = source.tell()
    magic = source.read(4)
    source.seek(start)
    return magic
