"""Reachability, as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def reachable(roots: Iterable[Node], references: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """The roots, what they refer to, what that refers to, and so on. Cycles and references to nothing do no harm."""
    found = set(roots)
    pending = list(found)
    while pending:
        for node in references(pending.pop()):
            if node not in found:
                found.add(node)
                pending.append(node)
    return found
