"""What a COPY or an ADD puts where: from trees to the entries of a layer. Pure but for looking into the trees.

Source: the Dockerfile reference, "COPY" and "ADD"; where that is silent, BuildKit, whose words are used where something is refused.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from pydockerd.builder.ignore import Ignore
from pydockerd.builder.tree import Kind, Loop, Node, Tree, join, parts_of, resolve, walk
from pydockerd.errors import BadRequest

_WILD: Final = re.compile(r"[*?\[\\]")
_NANO: Final = 10**9
_OCTAL = re.compile(r"0?[0-7]{1,4}")


@frozen(kw_only=True)
class Wish:
    """One COPY or ADD with all variables replaced. ``owner`` and ``mode`` None: as they are in the source."""

    name: str
    """COPY or ADD, for errors."""
    sources: tuple[str, ...]
    destination: str
    """Absolute, or relative to ``workdir``; a slash at the end says that it is a directory."""
    workdir: str = "/"
    owner: tuple[int, int] | None = None
    mode: int | None = None
    parents: bool = False
    exclude: tuple[str, ...] = ()


@frozen
class Item:
    """One entry of the layer that is to be made: ``target`` is its path there, ``source`` where its bytes are, None: nowhere."""

    target: str
    node: Node
    tree: Tree | None = None
    source: str = ""


def parse_mode(text: str) -> int:
    """Of ``--chmod``: octal. BadRequest."""
    if not _OCTAL.fullmatch(text):
        raise BadRequest(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    return int(text, 8)


@frozen
class Found:
    """What a source means: ``path`` is without links, ``name`` what it is called where it is copied to."""

    path: str
    name: str


def matches(tree: Tree, source: str, name: str) -> tuple[Found, ...]:
    """What there is in the tree of a source, with wildcards (Go's) and links followed. BadRequest if there is nothing."""
    plain = "/".join(parts_of(posixpath.normpath("/" + source)))
    if not _WILD.search(plain):
        try:
            found = resolve(tree, plain)
        except Loop:
            raise BadRequest(f"{name} failed: {source}: too many levels of symbolic links") from None
        if tree.node(found) is None:
            raise _missing(name, source)
        return (Found(found, plain),)
    wild = tuple(_matching(tree, "", plain.split("/")))
    if not wild:
        raise BadRequest(f"{name} failed: no source files were specified: {source} matches nothing")
    return tuple(Found(_followed(tree, path), path) for path in wild)


def _followed(tree: Tree, path: str) -> str:
    """A link that leads nowhere is copied as it is."""
    try:
        found = resolve(tree, path)
    except Loop:
        return path
    return path if tree.node(found) is None else found


def _matching(tree: Tree, directory: str, patterns: list[str]) -> Iterator[str]:
    node = tree.node(directory)
    if node is None or node.kind is not Kind.DIRECTORY:
        return
    expression = re.compile(_part(patterns[0]), re.DOTALL)
    for entry in tree.names(directory):
        if expression.fullmatch(entry) is None:
            continue
        path = join(directory, entry)
        if len(patterns) == 1:
            yield path
        else:
            yield from _matching(tree, resolve(tree, path), patterns[1:])


def _part(pattern: str) -> str:
    """filepath.Match of Go, for one part of a path. BadRequest."""
    from pydockerd.builder.ignore import translated

    try:
        return translated(re.sub(r"\*+", "*", pattern))
    except re.error as error:
        raise BadRequest(f"syntax error in pattern {pattern!r}: {error}") from None


def _missing(name: str, source: str) -> BadRequest:
    return BadRequest(
        f"{name} failed: file not found in build context or excluded by .dockerignore: stat {source}: file does not exist"
    )


@define
class Plan:
    """The entries of one layer, in order. ``root`` is what lies below it: of that it is known which directories are there and where links lead."""

    wish: Wish
    root: Tree
    moment_ns: int
    """Of directories that are made on the way."""
    items: list[Item] = field(factory=list, init=False)
    _made: dict[str, Kind] = field(factory=dict, init=False)

    @property
    def destination(self) -> str:
        """Without links."""
        wanted = posixpath.join(self.wish.workdir or "/", self.wish.destination)
        try:
            return resolve(self.root, wanted)
        except Loop:
            raise BadRequest(
                f"{self.wish.name} failed: {self.wish.destination}: too many levels of symbolic links"
            ) from None

    def add(self, tree: Tree, found: Sequence[Found], *, several: bool, pivots: Sequence[str] = ()) -> None:
        """Copy these paths of a tree. ``several``: the destination has to be a directory. ``pivots``: with ``parents``, where the kept part of a path begins."""
        target = self.destination
        is_directory = self.wish.destination.endswith(("/", "/.")) or self.wish.destination in (".", "..")
        if several and not is_directory:
            raise BadRequest(
                f"When using {self.wish.name} with more than one source file, the destination must be a directory and end with a /"
            )
        for number, each in enumerate(found):
            self._add(tree, each, target, is_directory or several, pivots[number] if number < len(pivots) else "")

    def _add(self, tree: Tree, found: Found, target: str, is_directory: bool, pivot: str) -> None:
        path = found.path
        node = tree.node(path)
        assert node is not None, "it was found"
        if self.wish.parents:
            kept = path[len(pivot) :].lstrip("/") if pivot else path
            self._copy_parents(tree, path, kept, target)
            self._copy(tree, path, join(target, kept) if kept else target)
        elif node.kind is Kind.DIRECTORY:
            self.directory(posixpath.dirname(target), owned=False)
            self.directory(target)
            self._copy_content(tree, path, target)
        else:
            into = is_directory or self._kind(target) is Kind.DIRECTORY
            self._copy(tree, path, join(target, posixpath.basename(found.name)) if into else target)

    def _copy_parents(self, tree: Tree, path: str, kept: str, target: str) -> None:
        """With ``--parents`` the directories above are copied as well, without what else is in them."""
        parts, above = kept.split("/")[:-1], path[: len(path) - len(kept)]
        self.directory(target)
        for count in range(1, len(parts) + 1):
            relative = "/".join(parts[:count])
            node = tree.node(above + relative)
            if node is not None and node.kind is Kind.DIRECTORY:
                self._put(Item(join(target, relative), node))

    def _copy_content(self, tree: Tree, path: str, target: str) -> None:
        excluded = Ignore.of(self.wish.exclude)
        for found, node in walk(tree, path):
            relative = found[len(path) :].lstrip("/")
            if relative and not excluded.excludes(relative):
                self._put(Item(join(target, relative), node, tree, found))

    def _copy(self, tree: Tree, path: str, target: str) -> None:
        node = tree.node(path)
        assert node is not None, "it was found"
        if Ignore.of(self.wish.exclude).excludes(posixpath.basename(target)):
            return
        self.directory(posixpath.dirname(target))
        self._put(Item(target, node, tree, path))
        if node.kind is Kind.DIRECTORY:
            self._copy_content(tree, path, target)

    def put_file(self, name: str, node: Node, tree: Tree, source: str) -> None:
        """One file that is in no tree by its name: what was fetched, or a here-document."""
        target = self.destination
        if self.wish.destination.endswith("/") or self._kind(target) is Kind.DIRECTORY:
            target = join(target, name)
        self.directory(posixpath.dirname(target))
        self._put(Item(target, node, tree, source))

    def put_tree(self, tree: Tree) -> None:
        """All of an archive, with its own owners."""
        target = self.destination
        self.directory(target)
        for path, node in walk(tree, ""):
            if path:
                self._put(Item(join(target, path), node, tree, path))

    def directory(self, path: str, *, owned: bool = True) -> None:
        """See that there is one, with all above it, which are the wish's owner's if they are made, or root's. BadRequest where something else is in the way."""
        parts = path.split("/") if path else []
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count])
            kind = self._kind(above)
            if kind is None:
                node = Node(kind=Kind.DIRECTORY, mode=0o755, mtime_ns=self.moment_ns)
                uid, gid = (self.wish.owner if owned else None) or (0, 0)
                self._made[above] = Kind.DIRECTORY
                self.items.append(Item(above, evolve(node, uid=uid, gid=gid)))
            elif kind is not Kind.DIRECTORY:
                raise BadRequest(f"{self.wish.name} failed: cannot copy to non-directory: /{above}")

    def _kind(self, path: str) -> Kind | None:
        if path in self._made:
            return self._made[path]
        found = self.root.node(path)
        return found.kind if found is not None else None

    def _put(self, item: Item) -> None:
        """A directory goes over a link that leads to one into that; other kinds replace each other, but never a directory."""
        target, node = item.target, item.node
        there = self._kind(target)
        if there is Kind.LINK and node.kind is Kind.DIRECTORY:
            return
        if there is Kind.DIRECTORY and node.kind is not Kind.DIRECTORY:
            raise BadRequest(f"{self.wish.name} failed: cannot replace to directory /{target} with file")
        if there not in (None, Kind.DIRECTORY) and node.kind is Kind.DIRECTORY:
            raise BadRequest(f"{self.wish.name} failed: cannot copy to non-directory: /{target}")
        owner = self.wish.owner
        if owner is not None:
            node = evolve(node, uid=owner[0], gid=owner[1])
        if self.wish.mode is not None and node.kind is not Kind.LINK:
            node = evolve(node, mode=self.wish.mode)
        self._made[target] = node.kind
        self.items.append(evolve(item, node=node))


def digest(items: Sequence[Item]) -> str:
    """What the entries are, but for their times: the content, mode and owner of each under its name. Reads all files."""
    whole = hashlib.sha256()
    for item in items:
        node = item.node
        about = (item.target, node.kind.value, node.mode, node.uid, node.gid, node.link, node.device, node.size)
        whole.update(repr((about, sorted(node.attributes.items()))).encode("utf-8", "surrogateescape") + b"\n")
        if node.kind is Kind.FILE and item.tree is not None:
            content = hashlib.sha256()
            for piece in item.tree.pieces(item.source):
                content.update(piece)
            whole.update(content.digest())
    return whole.hexdigest()
