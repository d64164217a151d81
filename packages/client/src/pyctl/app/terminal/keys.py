"""The keys that detach from a container: ``ctrl-p,ctrl-q``, or what ``--detach-keys`` says."""

from __future__ import annotations

from pyctl.errors import InvalidValue

DEFAULT = b"\x10\x11"
"""Ctrl-P, Ctrl-Q."""

_CONTROLS = {**{chr(c): c - ord("a") + 1 for c in range(ord("a"), ord("z") + 1)}, "@": 0, "[": 27, "\\": 28, "]": 29}
_CONTROLS |= {"^": 30, "_": 31}


def parse(text: str) -> bytes:
    """Read a comma separated list of characters and ``ctrl-X`` (moby's term.ToBytes). Raises `InvalidValue`."""
    return bytes(_key(name) for name in text.split(","))


def _key(name: str) -> int:
    if len(name) == 1 and name.isascii():
        return ord(name)
    control = name.removeprefix("ctrl-")
    if control == name or control not in _CONTROLS:
        raise InvalidValue(f"invalid detach keys: unknown character: '{name}'")
    return _CONTROLS[control]


class Detector:
    """Looks for the sequence in what is typed. Keys that may be its beginning are held back until it is clear."""

    def __init__(self, sequence: bytes) -> None:
        self._sequence = sequence
        self._matched = 0

    def feed(self, typed: bytes) -> tuple[bytes, bool]:
        """Return what the container is to get, and whether the sequence was completed (the rest is dropped then)."""
        passed = bytearray()
        for byte in typed:
            if self._matches(byte):
                self._matched += 1
                if self._matched == len(self._sequence):
                    return bytes(passed), True
                continue
            passed += self._sequence[: self._matched]
            self._matched = 0
            if self._matches(byte):
                self._matched = 1
            else:
                passed.append(byte)
        return bytes(passed), False

    def rest(self) -> bytes:
        """What is still held back when the input ends."""
        return self._sequence[: self._matched]

    def _matches(self, byte: int) -> bool:
        return bool(self._sequence) and self._sequence[self._matched] == byte
