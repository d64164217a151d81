"""Which commands of the real docker CLI a run of the tests has given, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

GROUPS: Final = frozenset({"container", "image", "system", "network", "volume", "context", "builder", "manifest"})

COMMANDS: Final[Counter[str]] = Counter()
"""By their names: ``run``, ``container ls``."""


def count(arguments: Sequence[str]) -> None:
    """Note one."""
    COMMANDS[name(arguments)] += 1


def name(arguments: Iterable[str]) -> str:
    """The command without its options and what it is given."""
    words = [word for word in arguments if not word.startswith("-")][:2]
    return " ".join(words if words and words[0] in GROUPS else words[:1])
