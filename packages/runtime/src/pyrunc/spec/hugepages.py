"""``linux.resources.hugepageLimits[]``."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import UINT64, expected, of, read_string
from pyrunc.spec.section import Section


def read_page_size(value: object, path: str) -> str:
    """``64KB``, ``2MB``, ``1GB``: the names of hugetlb's files."""
    size = read_string(value, path)
    number, unit = size[:-2], size[-2:]
    if unit not in {"KB", "MB", "GB"} or not (number.isascii() and number.isdigit()) or number.startswith("0"):
        raise expected("a page size such as 2MB", value, path)
    return size


@frozen(kw_only=True, eq=False, repr=False)
class HugepageLimit(Section):
    """``limit`` in bytes for pages of ``page_size``."""

    page_size: str = field(metadata=of(read_page_size))
    limit: int = field(metadata=UINT64)
