"""What a log driver that writes files is: a way to write batches down, and to read them again from either end."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from pycontainerd.logs.record import LogBatch, LogStream


@frozen
class Place:
    """Where the last records of a file begin: ``offset`` is that of an entry, of which the first ``skip`` records do not belong to them;
    ``missing`` is how many records the file has too few."""

    offset: int
    skip: int = 0
    missing: int = 0


class Format(Protocol):
    """A file is a sequence of entries, appended as a whole; an entry holds one record or more.

    A reader may see an entry that is still being written, or that a power failure has torn, at the end of the file only: ``whole`` says
    where that begins.
    """

    def encode(self, stream: LogStream, data: bytes, time_ns: int) -> bytes:
        """The entries for ``data``, whole records that were read at ``time_ns``; never empty."""

    def whole(self, block: bytes) -> int:
        """How many bytes of ``block``, which begins with an entry, are whole entries; 0 when it is too short for one."""

    def decode(self, block: bytes) -> list[LogBatch]:
        """The records of whole entries. Damaged ones are left out."""

    def tail(self, fd: int, size: int, count: int) -> Place:
        """Where the last ``count`` records of the first ``size`` bytes of the file begin."""

    def sound_size(self, fd: int) -> int:
        """The size of the file without what was torn at its end."""
