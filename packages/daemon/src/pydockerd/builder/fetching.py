"""What a build takes from elsewhere: files by HTTP, repositories by git. It goes into nameless files, and nothing of it is run.

Source: the Dockerfile reference, "ADD", and that of docker build, "Git repositories" and "Tarball contexts".
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote, urlsplit

from attrs import frozen

from pydockerd.builder import layertar
from pydockerd.builder.copying import Item
from pydockerd.builder.roottree import RootTree
from pydockerd.builder.tree import Kind, Node, resolve, walk
from pydockerd.errors import BadRequest

_PIECE: Final = 256 << 10
_CONNECT_SECONDS: Final = 30
_SILENT_SECONDS: Final = 60
_GIT_SECONDS: Final = 600
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_GIT = re.compile(r"(?:git://|ssh://|git@).*|https?://.*\.git(?:#.*)?|https?://github\.com/[^/]+/[^/#]+(?:#.*)?")
_QUIET: Final[Mapping[str, str]] = {
    "GIT_TERMINAL_PROMPT": "0",  # nobody is there to answer
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_LFS_SKIP_SMUDGE": "1",
}
_SAFE: Final = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.file.allow=never", "-c", "protocol.ext.allow=never")


@frozen
class Fetched:
    """A Tree of the one file that was fetched."""

    file: IO[bytes]
    size: int
    name: str
    mtime_ns: int
    content_type: str = ""

    def node(self, path: str = "") -> Node | None:
        """As docker has it: what comes from elsewhere is for its owner alone."""
        return Node(kind=Kind.FILE, mode=0o600, size=self.size, mtime_ns=self.mtime_ns)

    def names(self, path: str) -> list[str]:
        """See Tree."""
        return []

    def pieces(self, path: str) -> Iterator[bytes]:
        """See Tree."""
        offset = 0
        while piece := os.pread(self.file.fileno(), _PIECE, offset):
            yield piece
            offset += len(piece)


def is_url(source: str) -> bool:
    """Whether it is to be had by HTTP."""
    return source.startswith(("http://", "https://"))


def is_git(source: str) -> bool:
    """Whether it is a repository."""
    return _GIT.fullmatch(source) is not None


def check_digest(text: str) -> str:
    """Of ``--checksum``. BadRequest."""
    if not _CHECKSUM.fullmatch(text):
        raise BadRequest(f"invalid checksum {text!r}: expected sha256: and 64 hexadecimal digits")
    return text


async def fetch(url: str, file: IO[bytes], checksum: str = "") -> Fetched:
    """What the address gives, in ``file``. BadRequest if it cannot be had, or is not what ``checksum`` says."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
    whole, size = hashlib.sha256(), 0
    try:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session, session.get(url) as response:
            if response.status >= 400:
                raise BadRequest(f"fetching {_shown(url)}: {response.status} {response.reason}")
            async for piece in response.content.iter_chunked(_PIECE):
                whole.update(piece)
                size += len(piece)
                await asyncio.to_thread(file.write, piece)
            modified, kind = response.headers.get("Last-Modified", ""), response.content_type
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise BadRequest(f"fetching {_shown(url)}: {str(error) or type(error).__name__}") from None
    await asyncio.to_thread(file.flush)
    if checksum and f"sha256:{whole.hexdigest()}" != checksum:
        raise BadRequest(f"{_shown(url)}: digest mismatch: expected {checksum}, got sha256:{whole.hexdigest()}")
    name = posixpath.basename(unquote(urlsplit(url).path))
    return Fetched(file, size, name, _moment(modified), kind)


def _moment(text: str) -> int:
    """Nanoseconds; 0 where nothing is said, so that it is the same each time."""
    try:
        return int(parsedate_to_datetime(text).timestamp()) * 10**9 if text else 0
    except ValueError:
        return 0


def _shown(url: str) -> str:
    """Without what may be a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def clone(repository: str, spool: IO[bytes], work: Path, *, keep_git_dir: bool = False) -> None:
    """A tar of the repository's files in ``spool``; ``#branch:directory`` at the end says which. BadRequest with what git said."""
    url, _, fragment = repository.partition("#")
    reference, _, inside = fragment.partition(":")
    if url.startswith("-") or reference.startswith("-"):
        raise BadRequest(f"invalid repository: {repository}")
    await asyncio.to_thread(lambda: work.mkdir(parents=True, exist_ok=True))
    with tempfile.TemporaryDirectory(dir=work) as name:
        await _git(name, "init", "-q", ".")
        await _git(name, "fetch", "-q", "--depth", "1", "--", url, reference or "HEAD")
        await _git(name, "checkout", "-q", "--detach", "FETCH_HEAD")
        await _git(name, "submodule", "-q", "update", "--init", "--recursive", "--depth", "1")
        await asyncio.to_thread(_packed, name, inside, spool, keep_git_dir)


def _packed(name: str, inside: str, spool: IO[bytes], keep_git_dir: bool) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        tree = RootTree(descriptor)
        top = resolve(tree, inside)
        node = tree.node(top)
        if node is None or node.kind is not Kind.DIRECTORY:
            raise BadRequest(f"there is no directory {inside} in the repository")
        for piece in layertar.tar(_items(tree, top, keep_git_dir)):
            spool.write(piece)
    finally:
        os.close(descriptor)
    spool.flush()


def _items(tree: RootTree, top: str, keep_git_dir: bool) -> Sequence[Item]:
    found = list[Item]()
    for path, node in walk(tree, top):
        relative = path[len(top) :].lstrip("/")
        if not relative or (relative.split("/")[0] == ".git" and not keep_git_dir):
            continue
        found.append(Item(relative, node, tree, path))
    return found


async def _git(directory: str, *words: str) -> None:
    environment = {**os.environ, **_QUIET}
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *_SAFE,
            *words,
            cwd=directory,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise BadRequest("git is not installed: repositories cannot be fetched") from None
    try:
        _, said = await asyncio.wait_for(process.communicate(), _GIT_SECONDS)
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise BadRequest(f"git {words[0]}: {said.decode('utf-8', 'replace').strip()}")
