"""The order in which docker lists names: numbers in them as numbers (fvbommel/sortorder, NaturalLess)."""

from __future__ import annotations

import re

_PIECES = re.compile(r"([0-9]+)")


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key for sorting: ``v2`` before ``v10``."""
    return [(0, int(piece), piece) if piece.isdigit() else (1, 0, piece) for piece in _PIECES.split(name) if piece]
