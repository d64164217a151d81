"""``linux.intelRdt``: shares of cache and memory bandwidth (resctrl)."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import BOOLEAN, STRING, STRINGS, expected, named, of, read_string
from pyrunc.spec.section import Section


def read_clos_id(value: object, path: str) -> str:
    """A name of a directory below /sys/fs/resctrl, ``/`` for its root; anything else would leave that directory."""
    name = read_string(value, path)
    if name in {".", ".."} or "\n" in name or ("/" in name and name != "/"):
        raise expected("a name without / or newline, not . or ..", value, path)
    return name


def read_bandwidth(value: object, path: str) -> str:
    """One line ``MB:0=20;1=70``."""
    schema = read_string(value, path)
    if not schema.startswith("MB:") or "\n" in schema:
        raise expected("one line that starts with MB:", value, path)
    return schema


@frozen(kw_only=True, eq=False, repr=False)
class IntelRdt(Section):
    """``schemata`` are lines of the file of that name; the two ``_schema`` fields are the older way to say the same."""

    clos_id: str = field(default="", metadata=of(read_clos_id, "closID"))
    schemata: tuple[str, ...] = field(default=(), metadata=STRINGS)
    l3_cache_schema: str = field(default="", metadata=STRING)
    mem_bw_schema: str = field(default="", metadata=of(read_bandwidth))
    enable_monitoring: bool = field(default=False, metadata=BOOLEAN)
    enable_cmt: bool = field(default=False, metadata=named("enableCMT", BOOLEAN))
    enable_mbm: bool = field(default=False, metadata=named("enableMBM", BOOLEAN))
