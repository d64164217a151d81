"""Digests: ``sha256:`` and 64 hexadecimal digits (image-spec, descriptor.md)."""

from __future__ import annotations

import re

from pycontainerd.errors import InvalidDigest

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def hexadecimal(digest: object) -> str:
    """The digits of a digest. InvalidDigest for anything else, so that no digest ever becomes another path."""
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if match is None:
        raise InvalidDigest(digest)
    return match[1]
