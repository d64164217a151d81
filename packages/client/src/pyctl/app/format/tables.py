"""Columns as Go's text/tabwriter aligns them, with docker's settings: three blanks apart, at least ten wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_LEAST, _GAP = 10, 3


def align(text: str, least: int = _LEAST, gap: int = _GAP) -> str:
    """Align the cells of each line, which tabs end; what follows a line's last tab belongs to no column.

    A column is as wide as its widest cell among neighbouring lines that have it; lines without it begin a new one.
    """
    lines = [line.split("\t") for line in text.split("\n")]
    widths: list[list[int]] = [[] for _ in lines]
    _measure(lines, widths, 0, len(lines), least, gap)
    return "\n".join(_line(cells, wide) for cells, wide in zip(lines, widths, strict=True))


def _measure(lines: Sequence[list[str]], widths: list[list[int]], start: int, end: int, least: int, gap: int) -> None:
    column = len(widths[start]) if start < end else 0
    row = start
    while row < end:
        if len(lines[row]) - 1 <= column:
            row += 1
            continue
        last = row
        while last < end and len(lines[last]) - 1 > column:
            last += 1
        width = max(least, max(_width(lines[i][column]) for i in range(row, last)) + gap)
        for i in range(row, last):
            widths[i].append(width)
        _measure(lines, widths, row, last, least, gap)
        row = last


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=False)]
    return "".join([*padded, cells[-1]])


def _width(text: str) -> int:
    """Characters, as Go counts them, without those that combine with the one before."""
    return sum(1 for character in text if not unicodedata.combining(character))
