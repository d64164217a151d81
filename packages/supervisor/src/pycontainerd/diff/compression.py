"""Layers come plain, as gzip, or as zstd; the first bytes tell which, whatever the media type says."""

from __future__ import annotations

from typing import IO, cast

import zstandard
from isal import igzip


def decompressed(source: IO[bytes]) -> IO[bytes]:
    """A stream of the plain bytes. ``source`` must be seekable."""
    start = source.tell()
    magic = source.read(4)
    source.seek(start)
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", igzip.IGzipFile(fileobj=source, mode="rb"))
    if magic == b"\x28\xb5\x2f\xfd":
        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))
    return source
