"""/etc/hosts of a sandbox: the lines of its own addresses, among those that were there. Pure, but for the writing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def with_addresses(text: str, names: str, addresses: Sequence[str]) -> str:
    """``text`` with ``addresses`` as the only ones of ``names`` (blanks between them), at its end."""
    kept = [line for line in text.splitlines() if line.partition("\t")[2] != names or not line.partition("\t")[0]]
    return "".join(line + "\n" for line in [*kept, *(f"{address}\t{names}" for address in addresses)])


def write(path: Path, names: str, addresses: Sequence[str]) -> None:
    """In place: the file is mounted in the container, and another one of the same name would not be seen there."""
    with path.open("r+", encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
        changed = with_addresses(text, names, addresses)
        if changed != text:
            file.seek(0)
            file.write(changed)
            file.truncate()


def names_of(hostname: str, domainname: str) -> str:
    """docker's: the full name before the short one."""
    return f"{hostname}.{domainname} {hostname}" if domainname else hostname
