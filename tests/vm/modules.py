"""Which kernel modules a machine loads, and in which order, before it can read its own disks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

DISKS: Final = ("virtio_pci", "virtio_blk", "ext4")


def ordered(directory: Path, wanted: tuple[str, ...] = DISKS) -> list[Path]:
    """The files to insert one after the other; what is built into the kernel needs none. Raises LookupError.

    ``directory`` is a /lib/modules/VERSION with what depmod(8) writes: modules.dep and modules.builtin.
    """
    needs = dict(_lines(directory / "modules.dep"))
    places = {_name(place): place for place in needs}
    builtin = {_name(line) for line in (directory / "modules.builtin").read_text().split()}
    found: list[str] = []
    for name in wanted:
        if name in places:
            found += _below(places[name], needs)
        elif name not in builtin:
            raise LookupError(f"this kernel has no module {name}: {directory}")
    return [directory / place for place in dict.fromkeys(found)]


def _lines(dependencies: Path) -> Iterator[tuple[str, list[str]]]:
    for line in dependencies.read_text().splitlines():
        place, _, needed = line.partition(":")
        yield place, needed.split()


def _below(place: str, needs: Mapping[str, list[str]]) -> list[str]:
    """All that a module needs, deepest first: modules.dep lists the nearest first; then the module."""
    return [*reversed(needs[place]), place]


def _name(place: str) -> str:
    """The module's name; the kernel takes ``-`` and ``_`` for the same."""
    return Path(place).name.partition(".")[0].replace("-", "_")
