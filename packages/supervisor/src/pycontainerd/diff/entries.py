"""A tar, entry by entry, without the leniency and the cost of Python's tarfile (see ``pycontainerd.diff.tar`` for the first of these)."""

from __future__ import annotations

from collections.abc import Iterator

from pycontainerd.diff.blocks import BLOCK, Blocks
from pycontainerd.diff.extended import Extension, read_old_map
from pycontainerd.diff.header import EXTENDED, GNU_SPARSE, KIND, Entry, parse, size_of

_END = bytes(BLOCK)


def entries(blocks: Blocks) -> Iterator[Entry]:
    """Each entry, up to the end mark (a block of zeros); its content (``size``, padded) is to be taken before the next one is asked for.

    LayerError for what is cut short, malformed, or has headers of unlikely size.
    """
    owners: dict[bytes, tuple[int, int, int]] = {}
    extension: Extension | None = None
    while True:
        block = blocks.block()
        if not block[0] and block == _END:
            if extension is not None and (extension.records or extension.name or extension.link):
                parse(block, owners)  # no entry follows what was said of it
            return
        if (kind := block[KIND]) in EXTENDED:
            extension = extension or Extension()
            extension.read(kind, size_of(block), blocks)
            continue
        entry = parse(block, owners)
        if extension is not None or entry.kind == GNU_SPARSE:
            _complete(entry, block, extension or Extension(), blocks)
            extension = None
        yield entry


def _complete(entry: Entry, block: bytes, extension: Extension, blocks: Blocks) -> None:
    extension.apply(entry, blocks)
    if entry.kind == GNU_SPARSE:
        read_old_map(entry, block, extension, blocks)
