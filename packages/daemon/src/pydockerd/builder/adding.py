"""Where COPY and ADD take things from: trees, here-documents, and for ADD archives, addresses and repositories."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import IO, Final

from attrs import frozen

from pydockerd.builder import context, copying, fetching
from pydockerd.builder.build import Build
from pydockerd.builder.context import TarTree
from pydockerd.builder.copying import Found, Plan
from pydockerd.builder.dockerfile.instructions import Copy
from pydockerd.builder.dockerfile.statements import Heredoc
from pydockerd.builder.tree import Kind, Node, Tree
from pydockerd.errors import BadRequest

Told = Callable[[Heredoc], bytes]
"""What the file of a here-document gets."""

_BLOCK: Final = 512


@frozen
class Bytes:
    """A Tree of one file that is in memory."""

    content: bytes

    def node(self, path: str) -> Node | None:
        """See Tree."""
        return Node(kind=Kind.FILE, mode=0o644, size=len(self.content))

    def names(self, path: str) -> list[str]:
        """See Tree."""
        return []

    def pieces(self, path: str) -> Iterator[bytes]:
        """See Tree."""
        yield self.content


@contextlib.asynccontextmanager
async def fill(
    build: Build, instruction: Copy, plan: Plan, tree: Tree, told: Told, checksum: str = ""
) -> AsyncIterator[str]:
    """Put all sources into the plan; the files stay readable until the context is left. What history calls them."""
    wish = plan.wish
    remote = [source for source in wish.sources if instruction.add and _is_remote(source)]
    local = [source for source in wish.sources if source not in remote]
    several = len(wish.sources) + len(instruction.heredocs) > 1
    if checksum and (local or instruction.heredocs or several):
        raise BadRequest("--checksum is for one remote source")
    if several and not wish.destination.endswith("/") and wish.destination not in (".", ".."):
        raise BadRequest(
            f"When using {wish.name} with more than one source file, the destination must be a directory and end with a /"
        )
    with contextlib.ExitStack() as stack:

        def spool() -> IO[bytes]:
            return stack.enter_context(build.workshop.supervisor.images.spool())

        for source in remote:
            await _remote(build, instruction, plan, source, checksum, spool)
        for heredoc in instruction.heredocs:
            content = told(heredoc)
            node = Node(kind=Kind.FILE, mode=0o644, size=len(content), mtime_ns=plan.moment_ns)
            plan.put_file(heredoc.name, node, Bytes(content), "")
        kinds = await asyncio.to_thread(_copied, instruction, plan, tree, local, several, spool)
        yield "multi" if several else "dir" if kinds == [Kind.DIRECTORY] else "file"


def _is_remote(source: str) -> bool:
    return fetching.is_url(source) or fetching.is_git(source)


async def _remote(
    build: Build, instruction: Copy, plan: Plan, source: str, checksum: str, spool: Callable[[], IO[bytes]]
) -> None:
    if fetching.is_git(source):
        file = spool()
        await fetching.clone(source, file, build.cache.directory / "work", keep_git_dir=instruction.keep_git_dir)
        repository = await asyncio.to_thread(TarTree.read, file, what=source)
        await asyncio.to_thread(plan.put_tree, repository)
        return
    found = await fetching.fetch(source, spool(), fetching.check_digest(checksum) if checksum else "")
    if instruction.unpack:
        archive = await asyncio.to_thread(_archive, found, "", spool)
        if archive is not None:
            await asyncio.to_thread(plan.put_tree, archive)
            return
    if not found.name and plan.wish.destination.endswith("/"):
        raise BadRequest(f"cannot determine filename from url: {source}")
    node = found.node()
    assert node is not None, "it is its only one"
    plan.put_file(found.name, node, found, "")


def _copied(
    instruction: Copy, plan: Plan, tree: Tree, sources: Sequence[str], several: bool, spool: Callable[[], IO[bytes]]
) -> Sequence[Kind]:
    kinds = list[Kind]()
    found = [(source, copying.matches(tree, source, plan.wish.name)) for source in sources]
    many = several or any(len(each) > 1 for _, each in found)
    for source, matched in found:
        pivot = _pivot(source) if plan.wish.parents else ""
        kept = list[Found]()
        for each in matched:
            path = each.path
            node = tree.node(path)
            assert node is not None, "it was found"
            kinds.append(node.kind)
            archive = None
            if instruction.add and instruction.unpack is not False and node.kind is Kind.FILE:
                archive = _archive(tree, path, spool)
            if archive is not None:
                plan.put_tree(archive)
            else:
                kept.append(each)
        plan.add(tree, kept, several=many, pivots=[pivot] * len(kept))
    return kinds


def _archive(tree: Tree, path: str, spool: Callable[[], IO[bytes]]) -> TarTree | None:
    """The file as an archive, None if it is none: by what is in it, whatever it is called. BadRequest for one that is damaged."""
    pieces = tree.pieces(path)
    first = next(pieces, b"")
    if not first or not (context.is_compressed(first) or _is_tar(first)):
        return None
    file = spool()
    file.write(first)
    for piece in pieces:
        file.write(piece)
    file.flush()
    try:
        plain = context.plain_tar(file, spool())
        plain.seek(0)
        if not _is_tar(plain.read(_BLOCK)):
            return None
    except BadRequest:
        return None  # it begins like one, and is copied as it is
    return TarTree.read(plain, owned=True, what=path or "archive")


def _is_tar(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _pivot(source: str) -> str:
    """``a/./b/c``: with ``--parents``, what is before the dot is not kept."""
    before, dot, _ = source.partition("/./")
    return posixpath.normpath(before).lstrip("/") if dot else ""
