"""The key sequence that detaches a client and leaves the container running (``ctrl-p,ctrl-q`` unless told otherwise)."""

from __future__ import annotations

from typing import Final

from pydockerd.errors import BadRequest

DEFAULT_KEYS: Final = bytes([16, 17])

# as moby/term has them: the control characters that are not letters
_NAMED: Final = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def parse_keys(text: str) -> bytes:
    """``ctrl-a,b,ctrl-[`` to bytes; the empty text is the default. Raises BadRequest for a key that does not exist."""
    return bytes(_key(word) for word in text.split(",")) if text else DEFAULT_KEYS


def _key(word: str) -> int:
    if len(word) == 1 and word.isascii():
        return ord(word)
    letter = word.removeprefix("ctrl-")
    if letter != word and len(letter) == 1:
        if letter in _NAMED:
            return _NAMED[letter]
        if "a" <= letter <= "z":
            return ord(letter) - ord("a") + 1
    raise BadRequest(f"Invalid detach keys ({word}) provided: a character, or ctrl- with one of a-z @ [ \\ ] ^ _")


class DetachMatcher:
    """Finds the sequence in a stream that comes in pieces of any size, holding back what may still become it."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What to pass on, and whether the sequence was completed (it and what follows it are dropped)."""
        data = self._held + data
        at = data.find(self._keys)
        if at >= 0:
            self._held = b""
            return data[:at], True
        held = self._partial(data)
        self._held = data[len(data) - held :]
        return data[: len(data) - held], False

    def _partial(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` are a beginning of the sequence."""
        for length in range(min(len(self._keys) - 1, len(data)), 0, -1):
            if self._keys.startswith(data[-length:]):
                return length
        return 0
