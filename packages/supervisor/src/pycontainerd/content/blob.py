"""What the content store holds, and how much is moved at a time."""

from __future__ import annotations

from typing import Final

from attrs import frozen

PIECE: Final = 1 << 18
"""Bytes that are read, hashed and written in one step."""


@frozen
class Blob:
    """A stored blob: its digest (``sha256:…``) and its size in bytes."""

    digest: str
    size: int


@frozen(kw_only=True)
class Usage:
    """What a content store occupies: ``blobs`` of together ``size`` bytes, and the bytes of ``partial`` ingests that wait to go on."""

    blobs: int
    size: int
    partial: int


@frozen(kw_only=True)
class Partial:
    """An ingest that has not come to its end: ``offset`` of ``size`` bytes (None: not known) of ``digest``.

    ``updated_ns`` is when something was last written, in nanoseconds since the epoch.
    """

    reference: str
    offset: int
    digest: str | None
    size: int | None
    updated_ns: int
