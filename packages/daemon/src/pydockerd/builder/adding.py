"""Where COPY and ADD take things from: trees, here-documents, and for ADD archives and addresses."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from attrs import frozen

from pydockerd.builder import copying
from pydockerd.builder.copying import Plan
from pydockerd.builder.dockerfile.instructions import Copy
from pydockerd.builder.dockerfile.statements import Heredoc
from pydockerd.builder.tree import Kind, Node, Tree
from pydockerd.errors import BadRequest

Told = Callable[[Heredoc], bytes]
"""What the file of a here-document gets."""


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
async def fill(instruction: Copy, plan: Plan, tree: Tree, told: Told) -> AsyncIterator[str]:
    """Put all sources into the plan; the files stay readable until the context is left. What history calls them."""
    several = len(plan.wish.sources) + len(instruction.heredocs) > 1
    for heredoc in instruction.heredocs:
        content = told(heredoc)
        node = Node(kind=Kind.FILE, mode=0o644, size=len(content), mtime_ns=plan.moment_ns)
        if several and not plan.wish.destination.endswith("/"):
            raise _not_a_directory(plan)
        plan.put_file(heredoc.name, node, Bytes(content), "")
    kinds = await asyncio.to_thread(_copy, plan, tree, several)
    yield "multi" if several else "dir" if kinds == [Kind.DIRECTORY] else "file"


def _copy(plan: Plan, tree: Tree, several: bool) -> Sequence[Kind]:
    kinds = list[Kind]()
    found = [(source, copying.matches(tree, source, plan.wish.name)) for source in plan.wish.sources]
    many = several or any(len(paths) > 1 for _, paths in found)
    for source, paths in found:
        pivot = _pivot(source) if plan.wish.parents else ""
        plan.add(tree, paths, several=many, pivots=[pivot] * len(paths))
        kinds += [node.kind for path in paths if (node := tree.node(path)) is not None]
    return kinds


def _pivot(source: str) -> str:
    """``a/./b/c``: with ``--parents``, what is before the dot is not kept."""
    before, dot, _ = source.partition("/./")
    return posixpath.normpath(before).lstrip("/") if dot else ""


def _not_a_directory(plan: Plan) -> BadRequest:
    return BadRequest(
        f"When using {plan.wish.name} with more than one source file, the destination must be a directory and end with a /"
    )
