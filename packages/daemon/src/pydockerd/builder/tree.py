"""Trees of files as COPY and ADD see them: looked at, resolved and walked without anything of them on this machine's paths.

A path is text below the tree's root, ``a/b``; the root is ``""``. Names that are not UTF-8 have surrogates (os.fsdecode).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, Protocol

from attrs import field, frozen

MOST_LINKS: Final = 40
"""Symbolic links on the way to a file: the kernel's own limit."""


class Kind(Enum):
    """What there can be in an image."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"
    """Devices, fifos, sockets."""


@frozen(kw_only=True)
class Node:
    """One entry. ``link`` is where a symbolic link leads."""

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    tar_kind: bytes = b"0"
    attributes: Mapping[bytes, bytes] = field(factory=dict)


class Tree(Protocol):
    """A tree that stays as it is. All methods block."""

    def node(self, path: str) -> Node | None:
        """The entry of that name, of which no part but the last is a link; None if there is none."""
        ...

    def names(self, path: str) -> list[str]:
        """What a directory has, sorted."""
        ...

    def pieces(self, path: str) -> Iterator[bytes]:
        """The bytes of a file."""
        ...


class EmptyTree:
    """That of ``scratch``."""

    def node(self, path: str) -> Node | None:
        """See Tree."""
        return Node(kind=Kind.DIRECTORY, mode=0o755) if not path else None

    def names(self, path: str) -> list[str]:
        """See Tree."""
        return []

    def pieces(self, path: str) -> Iterator[bytes]:
        """See Tree."""
        return iter(())


class Loop(Exception):  # noqa: N818 - named for what it is
    """Symbolic links that lead to each other."""


def parts_of(path: str) -> tuple[str, ...]:
    """``/a/./b/`` is (a, b); ``..`` stays."""
    return tuple(part for part in path.split("/") if part not in ("", "."))


def resolve(tree: Tree, path: str, *, last: bool = True) -> str:
    """The path without links and dots, as if the tree's root were ``/``: nothing leads out. What is not there is named as it would be made.

    Not ``last``: a link that it ends in is what is meant. Raises Loop.
    """
    todo, done, links = list(reversed(parts_of(path))), list[str](), 0
    while todo:
        part = todo.pop()
        if part == "..":
            done = done[:-1]
            continue
        done.append(part)
        if not todo and not last:
            break
        found = tree.node("/".join(done))
        if found is None:
            done += [each for each in reversed(todo) if each != ".."]
            break
        if found.kind is Kind.LINK:
            links += 1
            if links > MOST_LINKS:
                raise Loop(path)
            done = [] if found.link.startswith("/") else done[:-1]
            todo += reversed(parts_of(found.link))
    return "/".join(done)


def walk(tree: Tree, path: str) -> Iterator[tuple[str, Node]]:
    """The entry and all below it, parents first, names in order; links are entries."""
    todo = [path]
    while todo:
        current = todo.pop()
        found = tree.node(current)
        if found is None:
            continue
        yield current, found
        if found.kind is Kind.DIRECTORY:
            todo += [join(current, name) for name in reversed(tree.names(current))]


def join(directory: str, name: str) -> str:
    """The path of what is in a directory."""
    return f"{directory}/{name}" if directory else name
