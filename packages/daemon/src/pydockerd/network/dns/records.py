"""Answers as bytes, ready to be sent. Apart from `message`, because dnspython is imported with that."""

from __future__ import annotations

import random
from typing import Final

from attrs import frozen

_TRUNCATED: Final = 0x02


@frozen
class Records:
    """An answer without its number: ``head`` comes before the records, ``tail`` (EDNS) after them. Several records are in another order each time."""

    head: bytes
    records: tuple[bytes, ...] = ()
    tail: bytes = b""

    def wire(self) -> bytes:
        """As it is sent."""
        if len(self.records) < 2:
            return self.head + b"".join(self.records) + self.tail
        return self.head + b"".join(random.sample(self.records, len(self.records))) + self.tail

    def cut(self) -> Records:
        """The same without records, marked as cut off (TC)."""
        return Records(bytes([self.head[0] | _TRUNCATED]) + self.head[1:], (), self.tail)
